/* The floor of the benchmarks: what a server costs that only receives and sends the frames.
 *
 * One epoll loop. A WebSocket belongs to the room that its path names. The payload of each frame that begins with
 * 00 02 (an update) goes, unmasked, to all other sockets of the room; all payloads that one read has brought go out
 * with one write for each socket. A state vector (00 00) is answered with an empty difference. Nothing is checked,
 * merged, kept or stored, and the handshake has no valid Sec-WebSocket-Accept: browsers would refuse it.
 *
 * floor PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_SOCKETS 65536
#define BUCKETS 65536
#define READ_BYTES 262144

struct room {
  char *name;
  struct connection **members;
  int count, room_for;
  struct room *next;
};

struct buffer {
  char *bytes;
  size_t size, room_for;
};

struct connection {
  int descriptor, place;
  struct room *room;
  struct buffer in, out;
};

static int poll_descriptor;
static struct connection *connections[MOST_SOCKETS];
static struct room *rooms[BUCKETS];
static struct buffer frames;
static char chunk[READ_BYTES];

static void *enough(void *pointer, size_t size) {
  pointer = realloc(pointer, size);
  if (!pointer) {
    perror("floor: memory");
    exit(1);
  }
  return pointer;
}

static void append(struct buffer *buffer, const void *bytes, size_t size) {
  if (buffer->size + size > buffer->room_for) {
    buffer->room_for = (buffer->size + size) * 2;
    buffer->bytes = enough(buffer->bytes, buffer->room_for);
  }
  if (size) memcpy(buffer->bytes + buffer->size, bytes, size);
  buffer->size += size;
}

static void drop_front(struct buffer *buffer, size_t size) {
  buffer->size -= size;
  memmove(buffer->bytes, buffer->bytes + size, buffer->size);
}

static void watch(struct connection *one, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = one->descriptor};
  epoll_ctl(poll_descriptor, operation, one->descriptor, &event);
}

static void end(struct connection *one) {
  if (one->room) {
    struct connection *last = one->room->members[--one->room->count];
    one->room->members[one->place] = last;
    last->place = one->place;
  }
  connections[one->descriptor] = NULL;
  close(one->descriptor);
  free(one->in.bytes);
  free(one->out.bytes);
  free(one);
}

/* What the kernel does not take now waits in `out`. A broken socket is closed when it is read next. */
static void send_bytes(struct connection *one, const char *bytes, size_t size) {
  if (!one->out.size) {
    ssize_t sent = write(one->descriptor, bytes, size);
    if (sent < 0 && errno != EAGAIN) return;
    if (sent == (ssize_t)size) return;
    if (sent > 0) {
      bytes += sent;
      size -= (size_t)sent;
    }
    watch(one, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  }
  append(&one->out, bytes, size);
}

static void flush(struct connection *one) {
  ssize_t sent = write(one->descriptor, one->out.bytes, one->out.size);
  if (sent > 0) drop_front(&one->out, (size_t)sent);
  if (!one->out.size) watch(one, EPOLL_CTL_MOD, EPOLLIN);
}

static void enter(struct connection *one, const char *name, size_t size) {
  uint32_t hash = 2166136261u;
  for (size_t at = 0; at < size; at++) hash = (hash ^ (unsigned char)name[at]) * 16777619u;
  struct room **slot = &rooms[hash % BUCKETS];
  struct room *room = *slot;
  while (room && (strlen(room->name) != size || memcmp(room->name, name, size))) room = room->next;
  if (!room) {
    room = enough(NULL, sizeof *room);
    *room = (struct room){.name = enough(NULL, size + 1), .next = *slot};
    memcpy(room->name, name, size);
    room->name[size] = 0;
    *slot = room;
  }
  if (room->count == room->room_for) {
    room->room_for = room->room_for ? room->room_for * 2 : 4;
    room->members = enough(room->members, sizeof *room->members * (size_t)room->room_for);
  }
  one->place = room->count;
  room->members[room->count++] = one;
  one->room = room;
}

/* The request of a WebSocket, or of anything else, which is answered and closed. Whether the socket goes on. */
static int shake_hands(struct connection *one) {
  append(&one->in, "", 1);
  char *head_end = strstr(one->in.bytes, "\r\n\r\n");
  one->in.size--;
  if (!head_end) return one->in.size < 8192;
  if (!memmem(one->in.bytes, (size_t)(head_end - one->in.bytes), "Sec-WebSocket-Key", 17)) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    send_bytes(one, answer, sizeof answer - 1);
    return 0;
  }
  char *path = strchr(one->in.bytes, ' ');
  if (!path || path > head_end) return 0;
  path++;
  enter(one, path, strcspn(path, " ?\r"));
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  send_bytes(one, answer, sizeof answer - 1);
  drop_front(&one->in, (size_t)(head_end + 4 - one->in.bytes));
  return 1;
}

static void append_frame(const unsigned char *payload, uint64_t size) {
  unsigned char head[10] = {0x82};
  size_t width;
  if (size < 126) {
    head[1] = (unsigned char)size;
    width = 2;
  } else if (size < 65536) {
    head[1] = 126;
    head[2] = (unsigned char)(size >> 8);
    head[3] = (unsigned char)size;
    width = 4;
  } else {
    head[1] = 127;
    for (int at = 0; at < 8; at++) head[2 + at] = (unsigned char)(size >> (56 - 8 * at));
    width = 10;
  }
  append(&frames, head, width);
  append(&frames, payload, size);
}

/* Whether the socket goes on. */
static int take_frames(struct connection *one) {
  size_t at = 0;
  frames.size = 0;
  while (one->in.size - at >= 6) {
    unsigned char *head = (unsigned char *)one->in.bytes + at;
    uint64_t size = head[1] & 127;
    size_t width = size == 126 ? 4 : size == 127 ? 10 : 2;
    if (!(head[1] & 128)) return 0;
    if (one->in.size - at < width + 4) break;
    if (width > 2) {
      size = 0;
      for (size_t digit = 2; digit < width; digit++) size = size << 8 | head[digit];
    }
    if (size > INT32_MAX) return 0;
    if (one->in.size - at < width + 4 + size) break;
    unsigned char *mask = head + width, *payload = mask + 4;
    for (uint64_t index = 0; index < size; index++) payload[index] ^= mask[index & 3];
    if ((head[0] & 15) == 8) return 0;
    if ((head[0] & 15) == 2 && size >= 2 && payload[0] == 0) {
      if (payload[1] == 2) append_frame(payload, size);
      if (payload[1] == 0) send_bytes(one, "\x82\x05\x00\x01\x02\x00\x00", 7);
    }
    at += width + 4 + size;
  }
  if (at) drop_front(&one->in, at);
  if (frames.size)
    for (int seat = 0; seat < one->room->count; seat++)
      if (one->room->members[seat] != one) send_bytes(one->room->members[seat], frames.bytes, frames.size);
  return 1;
}

static void receive(struct connection *one) {
  ssize_t size = read(one->descriptor, chunk, sizeof chunk);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) {
    end(one);
    return;
  }
  append(&one->in, chunk, (size_t)size);
  if (!one->room && !shake_hands(one)) {
    end(one);
    return;
  }
  if (one->room && !take_frames(one)) end(one);
}

static void take_connections(int listener) {
  int descriptor;
  while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (descriptor >= MOST_SOCKETS) {
      close(descriptor);
      continue;
    }
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *one = enough(NULL, sizeof *one);
    *one = (struct connection){.descriptor = descriptor};
    connections[descriptor] = one;
    watch(one, EPOLL_CTL_ADD, EPOLLIN);
  }
}

int main(int count, char **arguments) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct rlimit files;
  struct epoll_event events[512];
  int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (count != 2) {
    fputs("floor PORT\n", stderr);
    return 2;
  }
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  address.sin_port = htons((uint16_t)atoi(arguments[1]));
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
    perror("floor");
    return 1;
  }
  poll_descriptor = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poll_descriptor, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(poll_descriptor, events, 512, -1);
    for (int index = 0; index < ready; index++) {
      struct connection *one = events[index].data.fd == listener ? NULL : connections[events[index].data.fd];
      if (events[index].data.fd == listener) take_connections(listener);
      if (one && events[index].events & EPOLLOUT) flush(one);
      if (one && events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(one);
    }
  }
}
