"""One walk through the native and the raw endpoint with Python's websockets. Any surprise ends it with a traceback."""

import asyncio
import json
import os
import sys
import urllib.request

import websockets

address, compression = sys.argv[1:]
secure = "s" if os.environ.get("WSEDGE_TLS") else ""


def publish(data):
    body = json.dumps({"channel": "weather", "data": data}).encode()
    with urllib.request.urlopen(f"http{secure}://{address}/api/publish", body) as answer:
        return json.load(answer)


async def main():
    async with websockets.connect(f"ws{secure}://{address}/ws", subprotocols=["wsedge.v1"]) as ws, \
            websockets.connect(f"ws{secure}://{address}/ws/raw?channel=weather") as raw:
        assert ws.subprotocol == "wsedge.v1", ws.subprotocol
        for client in ws, raw:
            assert [e.name for e in client.extensions] == (["permessage-deflate"] if compression == "deflate" else [])
        assert json.loads(await ws.recv())["type"] == "welcome"
        await ws.send(json.dumps({"type": "subscribe", "id": 1, "channel": "weather"}))
        assert json.loads(await ws.recv())["type"] == "subscribed"
        answer = await asyncio.to_thread(publish, {"city": "Zürich", "degrees": -3.5})
        assert answer["matched"] == 2, answer
        message = json.loads(await ws.recv())
        assert message["data"] == {"city": "Zürich", "degrees": -3.5}, message
        assert json.loads(await raw.recv()) == {"city": "Zürich", "degrees": -3.5}
        # The WebSocket ping of either side is answered.
        await asyncio.wait_for(await ws.ping(), 30)
        await ws.send(json.dumps({"type": "publish", "id": 2, "channel": "weather", "data": "x" * 50_000}))
        kinds = {json.loads(await ws.recv())["type"] for _ in range(2)}
        assert kinds == {"published", "message"}, kinds
        assert json.loads(await raw.recv()) == "x" * 50_000
    assert ws.close_code == 1000 and raw.close_code == 1000, (ws.close_code, raw.close_code)
    print("ok")


asyncio.run(main())
