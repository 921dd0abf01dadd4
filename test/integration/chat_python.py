"""What tutorials do with Python's websockets, against wschat and the examples. Usage: chat_python.py CONVERSATION ADDRESS [PUSH_ADDRESS]"""

import asyncio
import json
import sys
import urllib.request
from datetime import datetime, timezone

import websockets

conversation, address, *more = sys.argv[1:]


async def echo():
    async with websockets.connect(f"ws://{address}") as ws:
        for message in "Hello, WebSocket!", "", "你好" * 1000, b"\x00\xff" * 20_000:
            await ws.send(message)
            assert await ws.recv() == message
        await ws.send(["in ", "frag", "ments"])
        assert await ws.recv() == "in fragments"
        await ws.send([b"\x01", b"\x02"])
        assert await ws.recv() == b"\x01\x02"
        await asyncio.wait_for(await ws.ping(), 30)
        await ws.close(1000, "done")
    assert ws.close_code == 1000, ws.close_code


async def python():
    async def connect(path):
        ws = await websockets.connect(f"ws://{address}{path}")
        ws.get = lambda: received(ws)
        return ws

    async def received(ws):
        return json.loads(await asyncio.wait_for(ws.recv(), 60))

    one = await connect("/")
    welcome = await one.get()
    assert welcome["type"] == "welcome", welcome
    age = datetime.now(timezone.utc) - datetime.fromisoformat(welcome["timestamp"])
    assert abs(age.total_seconds()) < 60, age
    me = welcome["clientId"]
    assert await one.get() == {"type": "user_joined", "clientId": me, "count": 1}
    two = await connect("/python")
    other = (await two.get())["clientId"]
    for ws in one, two:
        assert await ws.get() == {"type": "user_joined", "clientId": other, "count": 2}
    await one.send("not JSON")
    assert await one.get() == {"type": "error", "message": "Invalid JSON"}
    await one.send(json.dumps({"type": "ping"}))
    assert await one.get() == {"type": "pong"}
    await two.send(json.dumps({"type": "chat", "content": "大家好"}))
    for ws in one, two:
        chat = await ws.get()
        datetime.fromisoformat(chat.pop("timestamp"))
        assert chat == {"type": "chat", "clientId": other, "content": "大家好"}, chat
    await two.close()
    assert await one.get() == {"type": "user_left", "clientId": other, "count": 1}
    await one.close()


async def handler():
    def push(text, user=""):
        with urllib.request.urlopen(f"http://{more[0]}/push" + (f"?user={user}" if user else ""), text.encode()) as answer:
            return int(answer.read())

    async with websockets.connect(f"ws://{address}/?user=ann") as ann, websockets.connect(f"ws://{address}/?user=ann") as again, \
            websockets.connect(f"ws://{address}/?user=ben") as ben:
        await ann.send("hello")
        assert await ann.recv() == "received: hello"
        assert await asyncio.to_thread(push, "to all") == 3
        for ws in ann, again, ben:
            assert await ws.recv() == "to all"
        assert await asyncio.to_thread(push, "to ann", "ann") == 2
        assert await asyncio.to_thread(push, "to nobody", "eve") == 0
        assert await asyncio.to_thread(push, "to ben", "ben") == 1
        for ws in ann, again:
            assert await ws.recv() == "to ann"
        assert await ben.recv() == "to ben"
    for origin, allowed in ("https://shop.example", True), ("https://evil.example", False):
        try:
            async with websockets.connect(f"ws://{address}/", origin=origin):
                assert allowed, origin
        except websockets.InvalidStatusCode as refused:
            assert not allowed and refused.status_code == 403, refused


asyncio.run({"echo": echo, "python": python, "handler": handler}[conversation]())
print("ok")
