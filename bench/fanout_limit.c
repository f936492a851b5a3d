/* The limit of fan-out: the cost of a message if each delivery is one send() in C, and nothing else happens.
 *
 * Accepts every handshake (with the same answer to every key; the load does not check it) and sends each text frame to
 * everyone, framed once. Prints its port. No rules, no names, no pings.
 *
 * Linked with limit_db.c (-DDATABASE) it is the limit of a chat that stores: the messages of one epoll round are
 * committed together, and then sent to each client with one send().
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, BUFFER = 4096 };

#ifdef DATABASE
void open_database(const char *path);
void store(int author, unsigned char *text, size_t length);
void commit(void);
static unsigned char *stored;
static size_t stored_bytes, stored_room;
#endif

struct peer { int open, greeted; size_t have; unsigned char data[BUFFER]; };

static struct peer *peers[MOST];
static int highest;

static void gone(int fd) { peers[fd]->open = 0; close(fd); }

static void everyone(const unsigned char *frames, size_t length) {
    for (int fd = 0; fd <= highest; fd++)
        /* Blocks while a client is slow, which is right for a limit: nothing is lost, and nothing is queued. */
        if (peers[fd] && peers[fd]->open && peers[fd]->greeted && send(fd, frames, length, MSG_NOSIGNAL) < 0) gone(fd);
}

static void message(int author, unsigned char *text, size_t length) {
    unsigned char frame[BUFFER + 4];
    size_t n = 0;
    frame[n++] = 0x81;
    if (length < 126) frame[n++] = length;
    else { frame[n++] = 126; frame[n++] = length >> 8; frame[n++] = length; }
    memcpy(frame + n, text, length);
#ifdef DATABASE
    store(author, text, length);
    if (stored_bytes + n + length > stored_room) stored = realloc(stored, stored_room = 2 * (stored_bytes + n + length));
    memcpy(stored + stored_bytes, frame, n + length);
    stored_bytes += n + length;
#else
    (void)author;
    everyone(frame, n + length);
#endif
}

static size_t greet(int fd, struct peer *p) {
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    char *end = memmem(p->data, p->have, "\r\n\r\n", 4);
    if (!end) return 0;
    p->greeted = 1;
    if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) gone(fd);
    return end + 4 - (char *)p->data;
}

static size_t frame(int fd, const unsigned char *data, size_t have) {
    if (have < 6) return 0;
    size_t header = 6, length = data[1] & 127;
    if (length == 126) { header = 8; if (have < 8) return 0; length = data[2] << 8 | data[3]; }
    if (have < header + length) return 0;
    unsigned char text[BUFFER];
    for (size_t i = 0; i < length; i++) text[i] = data[header + i] ^ data[header - 4 + i % 4];
    if ((data[0] & 15) == 1) message(fd, text, length);
    return header + length;
}

static void readable(int fd) {
    struct peer *p = peers[fd];
    ssize_t n = recv(fd, p->data + p->have, BUFFER - p->have, MSG_DONTWAIT);
    if (n <= 0) { gone(fd); return; }
    p->have += n;
    size_t used = p->greeted ? 0 : greet(fd, p), taken = used;
    while (p->open && p->greeted && (taken = frame(fd, p->data + used, p->have - used))) used += taken;
    memmove(p->data, p->data + used, p->have -= used);
}

static void take(int listener, int epoll) {
    int fd = accept(listener, NULL, NULL), one = 1;
    if (fd < 0 || fd >= MOST) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!peers[fd]) peers[fd] = malloc(sizeof(struct peer));
    *peers[fd] = (struct peer){.open = 1};
    if (fd > highest) highest = fd;
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

int main(int count_of_arguments, char **arguments) {
#ifdef DATABASE
    if (count_of_arguments != 2) return 2;
    open_database(arguments[1]);
#else
    (void)count_of_arguments, (void)arguments;
#endif
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) { perror("listen"); return 1; }
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener) take(listener, epoll);
            else if (peers[events[i].data.fd]->open) readable(events[i].data.fd);
        }
#ifdef DATABASE
        if (stored_bytes) {
            commit();
            everyone(stored, stored_bytes);
            stored_bytes = 0;
        }
#endif
    }
}
