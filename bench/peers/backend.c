// backend: the trivial answer behind nginx and HAProxy, so that what is measured is the proxy.
//
//   bench-backend SOCKET-PATH BODY
//
// One thread, edge-triggered epoll, a Unix socket, keep-alive. Every request head (up to the empty
// line) gets the same answer; pipelined heads are answered in one write. It understands requests
// without a body only, which is all that the load generator sends. One read and one write per
// request when busy.

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
  kConnectionsMax = 8192,
  kHeadMax = 8 * 1024,  // a longer request head closes the connection
  kAnswerMax = 1024,
  kAnswersPerWrite = 32,
  kEventsPerTurn = 256,
};

// What is left of a head that has not arrived whole; allocated when that first happens to a
// connection.
struct partial {
  size_t length;
  char bytes[kHeadMax];
};

static struct partial* partials[kConnectionsMax];  // by descriptor
static char answers[kAnswersPerWrite * kAnswerMax];
static size_t answer_length;

static void die(const char* what, const char* name) {
  fprintf(stderr, "bench-backend: %s %s: %s\n", what, name, strerror(errno));
  exit(1);
}

static void close_connection(int fd) {
  free(partials[fd]);
  partials[fd] = NULL;
  close(fd);
}

// The answers are at most kAnswersPerWrite * 200 bytes or so and the peer reads before it asks
// again, so a full socket buffer means a peer that misbehaves: it is closed.
static int answer(int fd, size_t count) {
  while (count > 0) {
    const size_t now = count < kAnswersPerWrite ? count : kAnswersPerWrite;
    const ssize_t wrote = send(fd, answers, now * answer_length, MSG_NOSIGNAL);
    if (wrote != (ssize_t)(now * answer_length)) {
      return -1;
    }
    count -= now;
  }
  return 0;
}

// Counts the complete heads in `bytes` and tells where the rest begins.
static size_t count_heads(const char* bytes, size_t length, size_t* rest) {
  size_t heads = 0;
  const char* cursor = bytes;
  const char* end = bytes + length;
  for (;;) {
    const char* found = memmem(cursor, (size_t)(end - cursor), "\r\n\r\n", 4);
    if (found == NULL) {
      *rest = (size_t)(cursor - bytes);
      return heads;
    }
    heads += 1;
    cursor = found + 4;
  }
}

// Returns -1 when the connection must be closed.
static int serve(int fd) {
  static char buffer[2 * kHeadMax];
  for (;;) {
    struct partial* partial = partials[fd];
    size_t length = 0;
    if (partial != NULL && partial->length > 0) {
      length = partial->length;
      memcpy(buffer, partial->bytes, length);
      partial->length = 0;
    }
    const size_t space = sizeof buffer - length;
    const ssize_t got = recv(fd, buffer + length, space, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
      return -1;
    }
    length += got > 0 ? (size_t)got : 0;
    size_t rest = 0;
    const size_t heads = got > 0 ? count_heads(buffer, length, &rest) : 0;
    if (heads > 0 && answer(fd, heads) != 0) {
      return -1;
    }
    if (rest < length) {
      if (length - rest > kHeadMax) {
        return -1;
      }
      if (partial == NULL && (partial = partials[fd] = malloc(sizeof *partial)) == NULL) {
        return -1;
      }
      partial->length = length - rest;
      memcpy(partial->bytes, buffer + rest, partial->length);
    }
    if (got < (ssize_t)space) {
      return 0;  // drained: the next bytes raise a new edge
    }
  }
}

static void accept_all(int listener, int epoll_fd) {
  for (;;) {
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    if (fd >= kConnectionsMax || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
      close(fd);
    }
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: bench-backend SOCKET-PATH BODY\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  char one[kAnswerMax];
  const int length =
      snprintf(one, sizeof one,
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
               strlen(argv[2]), argv[2]);
  if (length >= (int)sizeof one) {
    fprintf(stderr, "bench-backend: the body is too long: head and body may have %d bytes\n",
            kAnswerMax - 1);
    return 2;
  }
  answer_length = (size_t)length;
  for (size_t i = 0; i < kAnswersPerWrite; ++i) {
    memcpy(answers + i * answer_length, one, answer_length);
  }

  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(argv[1]) >= sizeof address.sun_path) {
    fprintf(stderr, "bench-backend: the socket path is longer than 107 bytes: %s\n", argv[1]);
    return 2;
  }
  strcpy(address.sun_path, argv[1]);
  unlink(argv[1]);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr*)&address, sizeof address) != 0 ||
      chmod(argv[1], 0666) != 0 ||
      listen(listener, 4096) != 0) {  // the peers' workers run as other users
    die("listen on", argv[1]);
  }
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) != 0) {
    die("epoll for", argv[1]);
  }

  for (;;) {
    struct epoll_event events[kEventsPerTurn];
    const int ready = epoll_wait(epoll_fd, events, kEventsPerTurn, -1);
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.fd == listener) {
        accept_all(listener, epoll_fd);
      } else if (serve(events[i].data.fd) != 0) {
        close_connection(events[i].data.fd);
      }
    }
    if (ready < 0 && errno != EINTR) {
      die("epoll_wait on", argv[1]);
    }
  }
}
