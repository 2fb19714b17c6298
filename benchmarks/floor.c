/* The floor of ingest: what the kernel alone costs. Connects to N RTSP URLs (no authentication), plays them over TCP,
 * and writes whatever arrives to one file each, unparsed: epoll, recv, write, SO_RCVLOWAT. Runs until killed.
 *
 *     cc -O2 -o floor floor.c && ./floor OUTPUT_FOLDER LOW_MARK_BYTES HOST PORT PATH [PATH ...]
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 512 * 1024 };

static char buffer[BUFFER];

/* Sends one request and reads the head (and body) of its reply into buffer; dies unless it is 200. */
static void ask(int sock, const char *request) {
    if (write(sock, request, strlen(request)) < 0) exit(2);
    size_t have = 0;
    char *head_end = NULL;
    while (!head_end) {
        ssize_t n = read(sock, buffer + have, 1); /* byte by byte: media may follow PLAY's reply at once */
        if (n <= 0) exit(3);
        have += n;
        buffer[have] = 0;
        head_end = strstr(buffer, "\r\n\r\n");
    }
    if (!strstr(buffer, " 200 ")) {
        fprintf(stderr, "refused: %s", buffer);
        exit(4);
    }
    char *length = strstr(buffer, "Content-Length:");
    if (!length) length = strstr(buffer, "content-length:");
    for (long body = length ? atol(length + 15) : 0; body > 0;) {
        char sink[4096];
        ssize_t n = read(sock, sink, body < 4096 ? body : 4096);
        if (n <= 0) exit(5);
        body -= n;
    }
}

static int play(const char *host, int port, const char *path, int low_mark) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &address.sin_addr);
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(sock, (struct sockaddr *)&address, sizeof address)) {
        perror("connect");
        exit(1);
    }
    char request[1024], session[128] = "", control[256];
    snprintf(control, sizeof control, "rtsp://%s:%d%s", host, port, path);
    snprintf(request, sizeof request, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n", control);
    ask(sock, request);
    snprintf(request, sizeof request,
             "SETUP %s/trackID=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n", control);
    ask(sock, request);
    char *id = strstr(buffer, "Session:");
    if (id) sscanf(id + 8, " %127[^;\r\n]", session);
    snprintf(request, sizeof request, "PLAY %s RTSP/1.0\r\nCSeq: 3\r\nSession: %s\r\n\r\n", control, session);
    ask(sock, request);
    setsockopt(sock, SOL_SOCKET, SO_RCVLOWAT, &low_mark, sizeof low_mark);
    fcntl(sock, F_SETFL, O_NONBLOCK);
    return sock;
}

int main(int argc, char **argv) {
    if (argc < 6) return 64;
    int poll_fd = epoll_create1(0);
    static int files[65536];
    for (int i = 5; i < argc; i++) {
        int sock = play(argv[3], atoi(argv[4]), argv[i], atoi(argv[2]));
        char name[1024];
        snprintf(name, sizeof name, "%s/%d.raw", argv[1], i - 5);
        files[sock] = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
        struct epoll_event wanted = {.events = EPOLLIN, .data.fd = sock};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, sock, &wanted);
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event happened[64];
        int count = epoll_wait(poll_fd, happened, 64, -1);
        for (int i = 0; i < count; i++) {
            ssize_t n = recv(happened[i].data.fd, buffer, BUFFER, 0);
            if (n == 0) return 6;
            if (n > 0 && write(files[happened[i].data.fd], buffer, n) != n) return 7;
        }
    }
}
