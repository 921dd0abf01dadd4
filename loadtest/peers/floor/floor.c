/*
 * floor: the least a program can do to push one message to many WebSocket connections.
 *
 * T threads, each with an epoll instance and a listener of its own (SO_REUSEPORT). A publication is encoded once; each
 * thread walks a dense array of descriptors and calls send(). There are no queues, no channels, no timers but the ping
 * and no policy: a connection that cannot take a whole frame is closed and counted. It trusts its clients; it is made for
 * measuring on one machine, not for serving.
 *
 * A thread owns its connections; the only things shared are the mailbox (mutex and eventfd) and the offset.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 65536, MAX_EVENTS = 512, MAX_INPUT = 1 << 20, MAX_THREADS = 64, TICK_MS = 20 };

struct message { /* one encoded frame, shared by all threads */
	atomic_int refs;
	size_t len;
	unsigned char bytes[];
};

struct conn {
	int fd;
	long place; /* in thread.open; -1 while it speaks HTTP */
	bool dead;
	unsigned char *in; /* input that is not yet a whole request or frame */
	size_t in_len;
	struct conn *next_dead;
};

struct open_conn { int fd; struct conn *conn; };

struct thread {
	/* owned by the thread */
	int epoll, listener, wake;
	struct open_conn *open;
	size_t n_open, cap_open, ping_cursor;
	double pings_owed;
	struct conn *dead; /* freed at the end of the turn: later events of the turn may still name them */
	unsigned char buf[READ_BYTES];
	/* guarded by mu */
	pthread_mutex_t mu;
	struct message **queue;
	size_t n_queue, cap_queue;
	/* shared: atomic */
	atomic_ulong sent, closed_full;
};

static struct thread threads[MAX_THREADS];
static int n_threads = 2, port = 9000;
static bool envelope, coalesce;
static double ping_seconds;
static atomic_ulong offset;

static void *must(void *p) {
	if (!p) { perror("floor: memory"); exit(1); }
	return p;
}

static void check(int result, const char *what) {
	if (result < 0) { perror(what); exit(1); }
}

/* ---- SHA-1 and base64, for Sec-WebSocket-Accept (RFC 6455, section 4.2.2) ---- */

static uint32_t rol(uint32_t v, int n) { return v << n | v >> (32 - n); }

static void sha1_block(uint32_t h[5], const unsigned char *p) {
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
	for (int i = 16; i < 80; i++) w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 ? b ^ c ^ d : i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
		uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
		uint32_t t = rol(a, 5) + f + e + k + w[i];
		e = d, d = c, c = rol(b, 30), b = a, a = t;
	}
	h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* accept_key writes the 28 characters that answer a 24-character key: 24 + 36 bytes are exactly 60, two blocks padded. */
static void accept_key(const char *key, char out[29]) {
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
	unsigned char block[128] = {0}, digest[21] = {0};
	memcpy(block, key, 24);
	memcpy(block + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
	block[60] = 0x80;
	block[126] = (60 * 8) >> 8, block[127] = (60 * 8) & 255;
	sha1_block(h, block);
	sha1_block(h, block + 64);
	for (int i = 0; i < 20; i++) digest[i] = h[i / 4] >> (24 - 8 * (i % 4));
	for (int i = 0, o = 0; i < 21; i += 3, o += 4) {
		uint32_t v = digest[i] << 16 | digest[i + 1] << 8 | digest[i + 2];
		for (int j = 0; j < 4; j++) out[o + j] = alphabet[v >> (18 - 6 * j) & 63];
	}
	out[27] = '=', out[28] = 0;
}

/* ---- connections ---- */

static void kill_conn(struct thread *t, struct conn *c) {
	if (c->dead) return;
	c->dead = true;
	if (c->place >= 0) {
		t->open[c->place] = t->open[--t->n_open];
		t->open[c->place].conn->place = c->place;
	}
	close(c->fd);
	c->next_dead = t->dead;
	t->dead = c;
}

static void free_dead(struct thread *t) {
	while (t->dead) {
		struct conn *c = t->dead;
		t->dead = c->next_dead;
		free(c->in);
		free(c);
	}
}

/* send_whole closes a connection that cannot take all of it at once: the floor has no queues. */
static bool send_whole(struct thread *t, struct conn *c, int fd, const void *p, size_t n) {
	if (send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n) return true;
	atomic_fetch_add_explicit(&t->closed_full, 1, memory_order_relaxed);
	kill_conn(t, c);
	return false;
}

static void send_text(struct thread *t, struct conn *c, const char *s) { send_whole(t, c, c->fd, s, strlen(s)); }

static void join_open(struct thread *t, struct conn *c) {
	if (t->n_open == t->cap_open) {
		t->cap_open = t->cap_open ? 2 * t->cap_open : 1024;
		t->open = must(realloc(t->open, t->cap_open * sizeof *t->open));
	}
	c->place = (long)t->n_open;
	t->open[t->n_open++] = (struct open_conn){c->fd, c};
}

static void accept_all(struct thread *t) {
	for (;;) {
		int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
		if (fd < 0) return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		struct conn *c = must(calloc(1, sizeof *c));
		c->fd = fd;
		c->place = -1;
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
		if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) kill_conn(t, c);
	}
}

/* ---- publishing ---- */

static size_t frame_header(unsigned char *p, unsigned char first, size_t n) {
	p[0] = first;
	if (n < 126) { p[1] = n; return 2; }
	if (n < 65536) { p[1] = 126, p[2] = n >> 8, p[3] = n; return 4; }
	p[1] = 127;
	for (int i = 0; i < 8; i++) p[2 + i] = (uint64_t)n >> (56 - 8 * i);
	return 10;
}

static struct message *encode(const unsigned char *data, size_t n) {
	char before[] = "{\"type\":\"message\",\"channel\":\"load\",\"data\":", after[40] = "";
	size_t before_len = envelope ? sizeof before - 1 : 0, after_len = 0;
	unsigned long number = atomic_fetch_add(&offset, 1) + 1;
	if (envelope) after_len = snprintf(after, sizeof after, ",\"offset\":%lu}", number);
	struct message *m = must(malloc(sizeof *m + 10 + before_len + n + after_len));
	m->len = frame_header(m->bytes, 0x81, before_len + n + after_len);
	memcpy(m->bytes + m->len, before, before_len), m->len += before_len;
	memcpy(m->bytes + m->len, data, n), m->len += n;
	memcpy(m->bytes + m->len, after, after_len), m->len += after_len;
	return m;
}

/* publish hands the data to every thread, this one included: each sends at the end of its turn. */
static void publish(struct thread *self, const unsigned char *data, size_t n) {
	struct message *m = encode(data, n);
	atomic_init(&m->refs, n_threads);
	for (struct thread *t = threads; t < threads + n_threads; t++) {
		pthread_mutex_lock(&t->mu);
		bool first = t->n_queue == 0;
		if (t->n_queue == t->cap_queue) {
			t->cap_queue = t->cap_queue ? 2 * t->cap_queue : 64;
			t->queue = must(realloc(t->queue, t->cap_queue * sizeof *t->queue));
		}
		t->queue[t->n_queue++] = m;
		pthread_mutex_unlock(&t->mu);
		if (t != self && first) check(write(t->wake, &(uint64_t){1}, 8) == 8 ? 0 : -1, "floor: wake");
	}
}

static void send_to_all(struct thread *t, const unsigned char *p, size_t len) {
	size_t sent = 0;
	for (size_t i = 0; i < t->n_open;) { /* a killed one is replaced by the last */
		if (send_whole(t, t->open[i].conn, t->open[i].fd, p, len)) i++, sent++;
	}
	atomic_fetch_add_explicit(&t->sent, sent, memory_order_relaxed);
}

static void send_joined(struct thread *t, struct message **batch, size_t n) {
	size_t len = 0, at = 0;
	for (size_t i = 0; i < n; i++) len += batch[i]->len;
	unsigned char *joined = must(malloc(len));
	for (size_t i = 0; i < n; i++) memcpy(joined + at, batch[i]->bytes, batch[i]->len), at += batch[i]->len;
	send_to_all(t, joined, len);
	free(joined);
}

static void drain_queue(struct thread *t) {
	pthread_mutex_lock(&t->mu);
	struct message **batch = t->queue;
	size_t n = t->n_queue;
	t->queue = NULL, t->n_queue = t->cap_queue = 0;
	pthread_mutex_unlock(&t->mu);
	if (coalesce && n > 1) send_joined(t, batch, n);
	for (size_t i = 0; i < n; i++) {
		if (!coalesce || n == 1) send_to_all(t, batch[i]->bytes, batch[i]->len);
		if (atomic_fetch_sub(&batch[i]->refs, 1) == 1) free(batch[i]);
	}
	free(batch);
}

/* ping_some pings as many as have fallen due, going round, so that the pings are spread over the period. */
static void ping_some(struct thread *t, double elapsed) {
	t->pings_owed += elapsed * (double)t->n_open / ping_seconds;
	for (; t->pings_owed >= 1 && t->n_open > 0; t->pings_owed--) {
		if (t->ping_cursor >= t->n_open) t->ping_cursor = 0;
		struct open_conn *o = &t->open[t->ping_cursor++];
		send_whole(t, o->conn, o->fd, "\x89\x00", 2);
	}
}

/* ---- input: each parser returns the bytes it used, 0 for "more", -1 to close ---- */

static long upgrade(struct thread *t, struct conn *c, const char *head, size_t head_len) {
	const char *key = strcasestr(head, "\r\nSec-WebSocket-Key:");
	char accept[29], answer[200];
	if (!key) return -1;
	for (key += 20; *key == ' '; key++) {}
	if (key + 24 > head + head_len) return -1;
	accept_key(key, accept);
	snprintf(answer, sizeof answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\n\r\n", accept);
	join_open(t, c);
	send_text(t, c, answer);
	return (long)head_len;
}

static long parse_http(struct thread *t, struct conn *c, unsigned char *p, size_t n) {
	unsigned char *end = memmem(p, n, "\r\n\r\n", 4);
	if (!end) return n > 8192 ? -1 : 0;
	size_t head_len = (size_t)(end + 4 - p), body_len = 0;
	char head[8200];
	if (head_len > 8192) return -1;
	memcpy(head, p, head_len), head[head_len] = 0;
	if (strcasestr(head, "\r\nUpgrade: websocket")) return upgrade(t, c, head, head_len);
	const char *length = strcasestr(head, "\r\nContent-Length:");
	if (length) body_len = strtoul(length + 17, NULL, 10);
	if (body_len > MAX_INPUT) return -1;
	if (n < head_len + body_len) return 0;
	if (!strncmp(head, "POST /api/publish ", 18)) {
		/* "data" is the last member: its value runs up to the closing brace of the body */
		unsigned char *body = p + head_len, *stop = body_len ? memrchr(body, '}', body_len) : NULL;
		unsigned char *data = stop ? memmem(body, body_len, "\"data\":", 7) : NULL;
		if (!data || data + 7 > stop) return -1;
		publish(t, data + 7, (size_t)(stop - data - 7));
		send_text(t, c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}");
	} else if (!strncmp(head, "GET /healthz ", 13)) {
		send_text(t, c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	} else {
		send_text(t, c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	}
	return (long)(head_len + body_len);
}

static void answer_frame(struct thread *t, struct conn *c, int opcode, unsigned char *payload, size_t n) {
	static const char subscribed[] = "{\"type\":\"subscribed\",\"id\":1,\"channel\":\"load\"}";
	unsigned char out[160];
	size_t h;
	if (opcode == 1 && memmem(payload, n, "subscribe", 9)) {
		h = frame_header(out, 0x81, sizeof subscribed - 1);
		memcpy(out + h, subscribed, sizeof subscribed - 1);
		send_whole(t, c, c->fd, out, h + sizeof subscribed - 1);
	} else if ((opcode == 8 || opcode == 9) && n <= 125) {
		h = frame_header(out, opcode == 8 ? 0x88 : 0x8A, n);
		memcpy(out + h, payload, n);
		if (send_whole(t, c, c->fd, out, h + n) && opcode == 8) kill_conn(t, c);
	}
}

static long parse_frame(struct thread *t, struct conn *c, unsigned char *p, size_t n) {
	size_t h = 2, len;
	if (n < 2) return 0;
	if (!(p[1] & 0x80)) return -1;
	len = p[1] & 0x7F;
	if (len == 127) return -1;
	if (len == 126) {
		if (n < 4) return 0;
		len = p[2] << 8 | p[3], h = 4;
	}
	if (n < h + 4 + len) return 0;
	unsigned char *key = p + h, *payload = key + 4;
	for (size_t i = 0; i < len; i++) payload[i] ^= key[i & 3];
	answer_frame(t, c, p[0] & 15, payload, len);
	return (long)(h + 4 + len);
}

/* consume returns how much of the input was used; the connection may be dead afterwards. */
static size_t consume(struct thread *t, struct conn *c, unsigned char *p, size_t n) {
	size_t used = 0;
	while (used < n && !c->dead) {
		long k = c->place < 0 ? parse_http(t, c, p + used, n - used) : parse_frame(t, c, p + used, n - used);
		if (k < 0) kill_conn(t, c);
		if (k <= 0) break;
		used += (size_t)k;
	}
	return used;
}

static void readable(struct thread *t, struct conn *c) {
	ssize_t n = recv(c->fd, t->buf, sizeof t->buf, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n <= 0 || c->in_len + (size_t)n > MAX_INPUT) { kill_conn(t, c); return; }
	unsigned char *p = t->buf;
	size_t len = (size_t)n;
	if (c->in_len) { /* the rest of something that arrived in part */
		c->in = must(realloc(c->in, c->in_len + len));
		memcpy(c->in + c->in_len, t->buf, len);
		p = c->in, len += c->in_len;
	}
	size_t used = consume(t, c, p, len), rest = len - used;
	if (c->dead) return;
	unsigned char *keep = rest ? must(malloc(rest)) : NULL;
	if (rest) memcpy(keep, p + used, rest);
	free(c->in);
	c->in = keep, c->in_len = rest;
}

/* ---- the loop ---- */

static double seconds_now(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void *run(void *arg) {
	struct thread *t = arg;
	struct epoll_event events[MAX_EVENTS];
	double last = seconds_now();
	for (;;) {
		int n = epoll_wait(t->epoll, events, MAX_EVENTS, ping_seconds > 0 ? TICK_MS : -1);
		if (n < 0 && errno != EINTR) check(n, "floor: epoll_wait");
		for (int i = 0; i < n; i++) {
			void *what = events[i].data.ptr;
			uint64_t count;
			if (what == &t->listener) accept_all(t);
			else if (what == &t->wake) check(read(t->wake, &count, 8) < 0 && errno != EAGAIN ? -1 : 0, "floor: wake");
			else if (!((struct conn *)what)->dead) readable(t, what);
		}
		drain_queue(t);
		if (ping_seconds > 0) {
			double now = seconds_now();
			ping_some(t, now - last);
			last = now;
		}
		free_dead(t);
	}
	return NULL;
}

static void watch(struct thread *t, int fd, void *what) {
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};
	check(epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &ev), "floor: epoll_ctl");
}

static void open_thread(struct thread *t) {
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t addr_len = sizeof addr;
	int one = 1;
	pthread_mutex_init(&t->mu, NULL);
	check(t->epoll = epoll_create1(EPOLL_CLOEXEC), "floor: epoll_create1");
	check(t->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "floor: eventfd");
	check(t->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "floor: socket");
	setsockopt(t->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	check(setsockopt(t->listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), "floor: SO_REUSEPORT");
	check(bind(t->listener, (struct sockaddr *)&addr, sizeof addr), "floor: bind");
	check(listen(t->listener, 4096), "floor: listen");
	check(getsockname(t->listener, (struct sockaddr *)&addr, &addr_len), "floor: getsockname");
	port = ntohs(addr.sin_port); /* --port 0: the first thread's choice holds for all */
	watch(t, t->listener, &t->listener);
	watch(t, t->wake, &t->wake);
}

static void usage(void) {
	fprintf(stderr, "usage: floor [--port P] [--threads T] [--envelope] [--coalesce] [--ping SECONDS]\n");
	exit(2);
}

static void parse_flags(int argc, char **argv) {
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--envelope")) envelope = true;
		else if (!strcmp(argv[i], "--coalesce")) coalesce = true;
		else if (i + 1 == argc) usage();
		else if (!strcmp(argv[i], "--port")) port = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--threads")) n_threads = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--ping")) ping_seconds = atof(argv[++i]);
		else usage();
	}
	if (n_threads < 1 || n_threads > MAX_THREADS || port < 0 || port > 65535) usage();
}

int main(int argc, char **argv) {
	struct rlimit files;
	pthread_t id;
	sigset_t stop;
	int sig;
	parse_flags(argc, argv);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	sigemptyset(&stop), sigaddset(&stop, SIGINT), sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	for (int i = 0; i < n_threads; i++) open_thread(&threads[i]);
	for (int i = 0; i < n_threads; i++) check(-pthread_create(&id, NULL, run, &threads[i]), "floor: thread");
	fprintf(stderr, "floor: listening on 127.0.0.1:%d, %d threads\n", port, n_threads);
	sigwait(&stop, &sig);
	for (int i = 0; i < n_threads; i++)
		fprintf(stderr, "floor: thread %d: %zu open, %lu sends, %lu closed because they could not take a frame\n", i,
			threads[i].n_open, threads[i].sent, threads[i].closed_full);
	return 0;
}
