/*
 * receive: the least a program can do to take what is pushed to many WebSocket connections.
 *
 * T threads, each with an epoll instance and its share of the connections: epoll_wait, recv, and a walk over the frame
 * headers that counts messages. It does not look into messages, keeps no account of them, takes no times, checks nothing
 * and answers nothing. Its CPU time per delivery is what the kernel takes of any receiver on this machine, so that the cost
 * of a load generator's own work can be told as a ratio. It trusts its server; it is made for measuring, not for testing.
 *
 * One more thread publishes on a fixed schedule, as wsload does; its CPU time is not counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 65536, MAX_EVENTS = 512, MAX_THREADS = 64, MAX_OUTSTANDING = 1024, CONNS_PER_SOURCE = 9000 };

struct conn {
	int fd;
	unsigned have;          /* bytes of a header that was cut off */
	uint64_t skip;          /* of the payload, not yet received */
	unsigned char head[10];
};

struct thread {
	pthread_t id;
	int epoll;
	struct conn *conns;
	long n_conns, first;
	unsigned char buf[READ_BYTES];
	atomic_ulong messages, bytes, reads, ended; /* written by the thread once a turn */
};

struct totals { uint64_t messages, bytes, reads, ended, cpu; };

static struct thread threads[MAX_THREADS];
static int n_threads = 2, port = 9000, outstanding = 1;
static long n_conns = 1000;
static double rate = 8, warmup = 2, duration = 10;
static size_t payload = 128;
static pthread_barrier_t all_set_up;

static void *must(void *p) {
	if (!p) { perror("receive: memory"); exit(1); }
	return p;
}

static int check(int result, const char *what) {
	if (result < 0) { perror(what); exit(1); }
	return result;
}

static void fail(const char *why) {
	fprintf(stderr, "receive: %s\n", why);
	exit(1);
}

/* ---- setup: one connection after the other, blocking ---- */

/* dial connects; number spreads the connections over local addresses, as one has too few ports. */
static int dial(long number) {
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from = to;
	int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "receive: socket"), one = 1;
	from.sin_port = 0;
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(number / CONNS_PER_SOURCE));
	check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), "receive: TCP_NODELAY");
	check(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one), "receive: IP_BIND_ADDRESS_NO_PORT");
	check(bind(fd, (struct sockaddr *)&from, sizeof from), "receive: bind");
	check(connect(fd, (struct sockaddr *)&to, sizeof to), "receive: connect");
	return fd;
}

static void send_all(int fd, const void *p, size_t n) {
	if (send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n) fail("the server did not take a request");
}

/* await_text reads up to the given text and no further, because frames may follow. An HTTP answer must have that status. */
static void await_text(int fd, const char *text, const char *status) {
	char seen[4096];
	size_t n = 0;
	while (n < sizeof seen - 1 && !(n >= strlen(text) && !memcmp(seen + n - strlen(text), text, strlen(text))))
		if (recv(fd, seen + n, 1, 0) != 1) fail("the server ended a connection in its setup");
		else n++;
	if (n == sizeof seen - 1) fail("an answer is too long");
	if (!memcmp(seen, "HTTP/1.1 ", 9) && memcmp(seen + 9, status, 3)) fail("the server refused a request");
}

static void set_up(struct thread *t, long i) {
	static const char upgrade[] = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
	static const char subscribe[] = "{\"type\":\"subscribe\",\"id\":1,\"channel\":\"load\"}";
	unsigned char frame[6 + sizeof subscribe] = {0x81, 0x80 | (sizeof subscribe - 1)}; /* the masking key is zero */
	struct conn *c = &t->conns[i];
	c->fd = dial(t->first + i);
	send_all(c->fd, upgrade, sizeof upgrade - 1);
	await_text(c->fd, "\r\n\r\n", "101");
	memcpy(frame + 6, subscribe, sizeof subscribe - 1);
	send_all(c->fd, frame, 6 + sizeof subscribe - 1);
	await_text(c->fd, "\"subscribed\"", "");
	await_text(c->fd, "}", ""); /* the end of the answer's frame */
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	check(epoll_ctl(t->epoll, EPOLL_CTL_ADD, c->fd, &ev), "receive: epoll_ctl");
}

/* ---- receiving ---- */

/* header returns the length of a whole header, or 0; its payload's length is put into *skip. */
static size_t header(const unsigned char *p, size_t n, uint64_t *skip) {
	if (n < 2) return 0;
	uint64_t len = p[1] & 0x7F;
	size_t size = len == 126 ? 4 : len == 127 ? 10 : 2;
	if (n < size) return 0;
	if (size > 2) len = 0;
	for (size_t i = 2; i < size; i++) len = len << 8 | p[i];
	*skip = len;
	return size;
}

/* walk goes from header to header and returns how many messages have ended. Control frames are not counted. */
static unsigned long walk(struct conn *c, const unsigned char *p, size_t n) {
	unsigned long messages = 0;
	while (n > 0) {
		if (c->skip > 0) {
			size_t step = c->skip < n ? c->skip : n;
			p += step, n -= step, c->skip -= step;
			messages += c->skip == 0 && !(c->head[0] & 8);
			continue;
		}
		size_t size;
		if (c->have > 0) {
			c->head[c->have++] = *p++, n--;
			if ((size = header(c->head, c->have, &c->skip)) == 0) continue;
			c->have = 0;
		} else if ((size = header(p, n, &c->skip)) == 0) {
			memcpy(c->head, p, n);
			c->have = n;
			return messages;
		} else {
			c->head[0] = p[0];
			p += size, n -= size;
		}
	}
	return messages;
}

static void *run(void *arg) {
	struct thread *t = arg;
	struct epoll_event events[MAX_EVENTS];
	for (long i = 0; i < t->n_conns; i++) set_up(t, i);
	pthread_barrier_wait(&all_set_up);
	for (;;) {
		unsigned long messages = 0, bytes = 0, reads = 0;
		int n = epoll_wait(t->epoll, events, MAX_EVENTS, -1);
		if (n < 0 && errno != EINTR) check(n, "receive: epoll_wait");
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			ssize_t got = recv(c->fd, t->buf, sizeof t->buf, MSG_DONTWAIT);
			if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
			if (got <= 0) { close(c->fd), t->ended++; continue; }
			bytes += (unsigned long)got, reads++;
			messages += walk(c, t->buf, (size_t)got);
		}
		atomic_fetch_add_explicit(&t->messages, messages, memory_order_relaxed);
		atomic_fetch_add_explicit(&t->bytes, bytes, memory_order_relaxed);
		atomic_fetch_add_explicit(&t->reads, reads, memory_order_relaxed);
	}
	return NULL;
}

/* ---- publishing and measuring, in the main thread ---- */

static int64_t now_ns(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void sleep_until(int64_t at) {
	struct timespec ts = {at / 1000000000LL, at % 1000000000LL};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR) {}
}

static struct totals totals_now(void) {
	struct totals sum = {0};
	for (struct thread *t = threads; t < threads + n_threads; t++) {
		clockid_t clock;
		struct timespec ts;
		check(-pthread_getcpuclockid(t->id, &clock), "receive: thread clock");
		check(clock_gettime(clock, &ts), "receive: thread clock");
		sum.cpu += (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
		sum.messages += t->messages, sum.bytes += t->bytes, sum.reads += t->reads, sum.ended += t->ended;
	}
	return sum;
}

/* publish writes one request on each connection, and then reads the answers: a second batch never overtakes the first. */
static void publish(const int *fds, const char *request, size_t n) {
	for (int i = 0; i < outstanding; i++) send_all(fds[i], request, n);
	for (int i = 0; i < outstanding; i++) await_text(fds[i], "}", "200");
}

static size_t make_request(char *request, size_t room) {
	static const char before[] = "{\"channel\":\"load\",\"data\":\"", after[] = "\"}";
	size_t body = sizeof before - 1 + payload + sizeof after - 1;
	size_t n = (size_t)snprintf(request, room, "POST /api/publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s", body, before);
	memset(request + n, 'x', payload);
	memcpy(request + n + payload, after, sizeof after - 1);
	return n + payload + sizeof after - 1;
}

static void measure(void) {
	int fds[MAX_OUTSTANDING];
	size_t room = payload + 512;
	char *request = must(malloc(room));
	size_t n = make_request(request, room);
	for (int i = 0; i < outstanding; i++) fds[i] = dial(n_conns);
	double period = 1e9 * outstanding / rate;
	long batches_before = (long)(warmup * 1e9 / period), batches = (long)(duration * 1e9 / period);
	int64_t start = now_ns() + 1000000000LL;
	struct totals from = {0}, to, end;
	for (long i = 0; i < batches_before + batches; i++) {
		int64_t at = start + (int64_t)((double)i * period);
		if (i == batches_before) sleep_until(at - 1000000), from = totals_now();
		sleep_until(at);
		publish(fds, request, n);
	}
	sleep_until(start + (int64_t)((double)(batches_before + batches) * period));
	to = totals_now();
	uint64_t messages = to.messages - from.messages;
	uint64_t wanted = (uint64_t)(batches_before + batches) * (uint64_t)outstanding * (uint64_t)n_conns;
	int64_t patience = now_ns() + 5000000000LL;
	while ((end = totals_now()).messages < wanted && now_ns() < patience) sleep_until(now_ns() + 10000000);
	printf("receive: %.3f us per delivery, %lu deliveries in the window, %.2f per read, %lu bytes; %ld missing in all, %lu ended\n",
		messages ? (double)(to.cpu - from.cpu) / 1e3 / (double)messages : 0, messages,
		to.reads > from.reads ? (double)messages / (double)(to.reads - from.reads) : 0, to.bytes - from.bytes,
		(long)(wanted - end.messages), end.ended);
	free(request);
	exit(end.messages == wanted ? 0 : 1);
}

static void usage(void) {
	fprintf(stderr, "usage: receive [--port P] [--threads T] [--conns N] [--rate PER_S] [--outstanding K] [--payload B] "
			"[--warmup S] [--duration S]\n");
	exit(2);
}

static void parse_flags(int argc, char **argv) {
	for (int i = 1; i + 1 < argc || (i < argc && (usage(), 0)); i += 2) {
		const char *value = argv[i + 1];
		if (!strcmp(argv[i], "--port")) port = atoi(value);
		else if (!strcmp(argv[i], "--threads")) n_threads = atoi(value);
		else if (!strcmp(argv[i], "--conns")) n_conns = atol(value);
		else if (!strcmp(argv[i], "--rate")) rate = atof(value);
		else if (!strcmp(argv[i], "--outstanding")) outstanding = atoi(value);
		else if (!strcmp(argv[i], "--payload")) payload = (size_t)atol(value);
		else if (!strcmp(argv[i], "--warmup")) warmup = atof(value);
		else if (!strcmp(argv[i], "--duration")) duration = atof(value);
		else usage();
	}
	if (n_threads < 1 || n_threads > MAX_THREADS || port < 1 || port > 65535 || n_conns < n_threads || rate <= 0 ||
		outstanding < 1 || outstanding > MAX_OUTSTANDING || warmup < 0 || duration <= 0 || payload < 1 || payload > 1 << 20) usage();
}

int main(int argc, char **argv) {
	struct rlimit files;
	parse_flags(argc, argv);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	check(-pthread_barrier_init(&all_set_up, NULL, (unsigned)n_threads + 1), "receive: barrier");
	for (int i = 0; i < n_threads; i++) {
		struct thread *t = &threads[i];
		t->first = n_conns * i / n_threads;
		t->n_conns = n_conns * (i + 1) / n_threads - t->first;
		t->conns = must(calloc((size_t)t->n_conns, sizeof *t->conns));
		t->epoll = check(epoll_create1(EPOLL_CLOEXEC), "receive: epoll_create1");
		check(-pthread_create(&t->id, NULL, run, t), "receive: thread");
	}
	pthread_barrier_wait(&all_set_up);
	measure();
}
