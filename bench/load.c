/* The load of the benchmarks: many websocket clients in one process, which only count and time what arrives.
 *
 *   load PORT[,PORT...] CLIENTS LOGIN READY MESSAGE PROSE
 *
 * Clients connect to the ports in turn. Each client completes the handshake, sends LOGIN (if not empty; %d becomes its
 * number), and is in the room once a frame with the action READY has arrived (empty: after the handshake). MESSAGE is
 * sent; '#########' in it becomes the number of the message, and a row of '@' a part of the file PROSE, a different one
 * for each message. Each line of standard input is answered with one line of JSON:
 *
 *   seq COUNT           COUNT messages, each after everyone has received the one before
 *   burst COUNT SIZE    COUNT times: SIZE messages from SIZE clients at once, until everyone has all of them
 *   rate PER_SECOND N   N messages at this rate
 *   stall COUNT         the last COUNT clients stop reading
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PORTS = 16, AT_ONCE = 128, PREFIX = 256, MOST_MESSAGES = 1 << 20, MOST_MICROSECONDS = 1 << 22, WAIT_SECONDS = 60, STRIDE = 61 };
enum state { CONNECTING, SHAKING_HANDS, LOGGING_IN, IN_ROOM, STALLED, GONE };

struct client {
    int fd;
    enum state state;
    size_t have;        /* bytes in head: the beginning of a response or a frame that is not whole yet */
    uint64_t skip;      /* bytes of a frame that are still to come and do not matter */
    unsigned char head[PREFIX + 16 > 512 ? PREFIX + 16 : 512];
};

static struct client *clients;
static int total, started, pending, present, gone, epoll, ports[MOST_PORTS], port_count;
static const char *login, *ready, *message;
static char prose[1 << 20];
static uint64_t sent_at[MOST_MESSAGES], now;
static uint32_t histogram[MOST_MICROSECONDS];
static uint64_t deliveries, next_message, marked;
static int timing;

static uint64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int port_of(const struct client *c) { return ports[(c - clients) % port_count]; }

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what) { perror(what); exit(1); }

static void lose(struct client *c) {
    if (c->state < IN_ROOM) pending--; else if (c->state == IN_ROOM) present--;
    c->state = GONE;
    gone++;
    close(c->fd);
}

static void put_frame(struct client *c, int opcode, const char *data, size_t length) {
    static unsigned char frame[8192];
    size_t n = 0;
    frame[n++] = 0x80 | opcode;
    if (length < 126) frame[n++] = 0x80 | length;
    else { frame[n++] = 0x80 | 126; frame[n++] = length >> 8; frame[n++] = length; }
    memset(frame + n, 0, 4); /* a mask of zeros is a mask */
    memcpy(frame + n + 4, data, length);
    if (send(c->fd, frame, n + 4 + length, MSG_NOSIGNAL) < 0 && errno != EAGAIN) lose(c);
}

static void say(struct client *c) {
    static char text[4096];
    snprintf(text, sizeof text, "%s", message);
    char number[10], *mark = text;
    snprintf(number, sizeof number, "%09u", (unsigned)next_message);
    while ((mark = strstr(mark, "#########"))) memcpy(mark, number, 9);
    if ((mark = strchr(text, '@'))) {
        size_t length = strspn(mark, "@");
        memcpy(mark, prose + next_message * STRIDE % (strlen(prose) - length), length);
    }
    sent_at[next_message++ % MOST_MESSAGES] = nanoseconds();
    put_frame(c, 1, text, strlen(text));
}

static void arrived(struct client *c) { c->state = IN_ROOM; pending--; present++; }

/* Handles a frame; `data` may be only its beginning. */
static void take(struct client *c, int opcode, const unsigned char *data, size_t length) {
    static const char action[] = "{\"action\":\"";
    if (opcode == 9) { put_frame(c, 10, (const char *)data, length); return; }
    if (opcode != 1 || length < sizeof action || memcmp(data, action, sizeof action - 1)) return;
    const unsigned char *name = data + sizeof action - 1;
    size_t left = length - (sizeof action - 1);
    if (c->state == LOGGING_IN && left > strlen(ready) && !memcmp(name, ready, strlen(ready))) { arrived(c); return; }
    if (left < 8 || memcmp(name, "message\"", 8)) return;
    deliveries++;
    const unsigned char *mark = timing ? memmem(data, length, "~", 1) : NULL;
    if (mark && mark + 10 <= data + length) {
        uint64_t took = (now - sent_at[strtoul((const char *)mark + 1, NULL, 10) % MOST_MESSAGES]) / 1000;
        histogram[took < MOST_MICROSECONDS ? took : MOST_MICROSECONDS - 1]++;
        marked++;
    }
}

/* Handles complete frames; returns the number of bytes used. */
static size_t parse(struct client *c, const unsigned char *data, size_t length) {
    size_t used = 0;
    while (c->state != GONE && length - used >= 2) {
        const unsigned char *p = data + used;
        size_t header = 2, have = length - used;
        uint64_t size = p[1] & 127;
        if (size == 126) { header = 4; if (have < 4) break; size = p[2] << 8 | p[3]; }
        else if (size == 127) {
            header = 10;
            if (have < 10) break;
            size = 0;
            for (int i = 2; i < 10; i++) size = size << 8 | p[i];
        }
        uint64_t enough = size < PREFIX ? size : PREFIX; /* the beginning of a long frame says what it is */
        if (have - header < enough) break;
        uint64_t there = have - header < size ? have - header : size;
        take(c, p[0] & 15, p + header, there);
        used += header + there;
        c->skip = size - there;
        if (c->skip) break;
    }
    return used;
}

static void readable(struct client *c) {
    static unsigned char buffer[1 << 18];
    memcpy(buffer, c->head, c->have);
    ssize_t n = recv(c->fd, buffer + c->have, sizeof buffer - c->have - 1, MSG_DONTWAIT);
    if (n <= 0) { if (n == 0 || errno != EAGAIN) lose(c); return; }
    size_t length = c->have + n, used = 0;
    c->have = 0;
    if (c->state == SHAKING_HANDS) {
        buffer[length] = 0;
        char *end = memmem(buffer, length, "\r\n\r\n", 4);
        if (end) {
            if (memcmp(buffer, "HTTP/1.1 101", 12)) { fprintf(stderr, "no handshake: %s\n", buffer); exit(1); }
            used = end + 4 - (char *)buffer;
            c->state = LOGGING_IN;
            if (*login) {
                char text[512];
                int size = snprintf(text, sizeof text, login, (int)(c - clients));
                put_frame(c, 1, text, size);
            }
            if (!*ready) arrived(c);
        }
    }
    if (c->state != SHAKING_HANDS) {
        uint64_t skipped = length - used < c->skip ? length - used : c->skip;
        c->skip -= skipped;
        used += skipped;
        if (!c->skip) used += parse(c, buffer + used, length - used);
    }
    if (c->state == GONE) return;
    c->have = length - used;
    if (c->have > sizeof c->head) { fprintf(stderr, "a frame is too long in its beginning\n"); exit(1); }
    memcpy(c->head, buffer + used, c->have);
}

static void begin(void) {
    struct client *c = &clients[started++];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port_of(c)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) die("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) die("connect");
    c->state = CONNECTING;
    pending++;
    struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
}

static void shake_hands(struct client *c) {
    char request[256];
    int n = snprintf(request, sizeof request,
                     "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", port_of(c));
    if (send(c->fd, request, n, MSG_NOSIGNAL) != n) { lose(c); return; }
    c->state = SHAKING_HANDS;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
}

/* One turn of the loop; whether standard input has something. */
static int turn(int milliseconds) {
    static struct epoll_event events[1024];
    int count = epoll_wait(epoll, events, 1024, milliseconds), asked = 0;
    now = nanoseconds();
    for (int i = 0; i < count; i++) {
        struct client *c = events[i].data.ptr;
        if (!c) asked = 1;
        else if (c->state == CONNECTING) shake_hands(c);
        else if (c->state != GONE && c->state != STALLED) readable(c);
    }
    return asked;
}

static void wait_for(uint64_t wanted, int *timed_out) {
    uint64_t end = nanoseconds() + WAIT_SECONDS * 1000000000ull;
    while (deliveries < wanted && !*timed_out) { turn(100); *timed_out = nanoseconds() > end; }
}

static double percentile(double part) {
    uint64_t seen = 0;
    for (int i = 0; i < MOST_MICROSECONDS; i++) {
        seen += histogram[i];
        if (seen && seen >= part * marked) return i / 1000.0;
    }
    return 0;
}

static struct client *sender(uint64_t number) {
    for (int i = 0; i < total; i++) {
        struct client *c = &clients[(number + i) % total];
        if (c->state == IN_ROOM) return c;
    }
    fprintf(stderr, "nobody is left\n");
    exit(1);
}

static void send_rate(uint64_t per_second, uint64_t count) {
    uint64_t at = nanoseconds(), gap = 1000000000ull / per_second;
    for (uint64_t i = 0; i < count; i++, at += gap) {
        for (int64_t left; (left = at - nanoseconds()) > 0;) turn(left / 1000000);
        say(sender(next_message));
    }
}

static void run(const char *what, uint64_t count, uint64_t size) {
    uint64_t before = deliveries, started_at = nanoseconds();
    double cpu = cpu_seconds();
    int timed_out = 0;
    memset(histogram, 0, sizeof histogram);
    marked = 0;
    timing = strcmp(what, "burst") != 0;
    if (!strcmp(what, "rate")) {
        send_rate(count, size);
        wait_for(before + size * present, &timed_out);
    } else {
        for (uint64_t i = 0; i < count && !timed_out; i++) {
            uint64_t wanted = deliveries + size * present;
            for (uint64_t k = 0; k < size; k++) say(sender(next_message));
            wait_for(wanted, &timed_out);
        }
    }
    printf("{\"deliveries\": %lu, \"seconds\": %.6f, \"cpu\": %.6f, \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f, "
           "\"gone\": %d, \"timed_out\": %d}\n",
           deliveries - before, (nanoseconds() - started_at) / 1e9, cpu_seconds() - cpu, percentile(0.5),
           percentile(0.99), percentile(1), gone, timed_out);
}

static void stall(int count) {
    for (int i = total - 1; i >= 0 && count; i--) {
        struct client *c = &clients[i];
        if (c->state != IN_ROOM) continue;
        count--;
        present--;
        c->state = STALLED;
        epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL);
    }
    printf("{\"present\": %d}\n", present);
}

int main(int count, char **arguments) {
    if (count != 7) { fprintf(stderr, "usage: load PORT[,PORT...] CLIENTS LOGIN READY MESSAGE PROSE\n"); return 2; }
    for (char *mark = arguments[1]; mark && port_count < MOST_PORTS; mark = strchr(mark, ','), mark += mark != NULL)
        ports[port_count++] = atoi(mark);
    total = atoi(arguments[2]);
    login = arguments[3], ready = arguments[4], message = arguments[5];
    FILE *text = fopen(arguments[6], "r");
    if (!text || fread(prose, 1, sizeof prose - 1, text) < sizeof "prose") { perror(arguments[6]); return 2; }
    fclose(text);
    clients = calloc(total, sizeof *clients);
    epoll = epoll_create1(0);
    uint64_t start = nanoseconds(), end = start + 4 * WAIT_SECONDS * 1000000000ull;
    while (present + gone < total) {
        while (started < total && pending < AT_ONCE) begin();
        turn(100);
        if (nanoseconds() > end) { fprintf(stderr, "%d of %d came in\n", present, total); return 1; }
    }
    printf("{\"present\": %d, \"gone\": %d, \"seconds\": %.6f, \"cpu\": %.6f}\n", present, gone,
           (nanoseconds() - start) / 1e9, cpu_seconds());
    fflush(stdout);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &e);
    for (;;) {
        if (!turn(1000)) continue;
        char line[128] = "", what[16] = "";
        unsigned long a = 0, b = 1;
        ssize_t n = read(0, line, sizeof line - 1);
        if (n <= 0) return 0;
        sscanf(line, "%15s %lu %lu", what, &a, &b);
        if (!strcmp(what, "stall")) stall(a);
        else run(what, a, b);
        fflush(stdout);
    }
}
