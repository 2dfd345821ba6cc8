// forging-worker: a worker written against the wire that is honest until it is told to lie.
//
//   any /who/NONCE    {"nonce", "pid"}
//   any /lie/NAME     what this worker then says on its link, or writes into its page:
//                       garbage        bytes that are no frame
//                       huge           a frame longer than any may be
//                       type           a frame of an unknown type
//                       slot           an END for a slot that was never opened
//                       generation     a body for a stream that is over
//                       window         more credit than there can be
//                       framing        a response that brings its own Transfer-Encoding
//                       linebreak      a response whose header value holds CR LF
//                       longer         more body than the response declared
//                       again          a second final response
//                       hello          a second greeting
//                       page           every word of the page overwritten; the answer is honest
//                       page-silent    the same, and no answer
//                       silent         no answer at all; the word says "started"
//
// It does not use the runtime: an application could do all of this to its end of the link, and the
// balancer must not suffer from it.
#include "net/http/header_id.h"
#include "net/io/loop.h"
#include "net/io/task_group.h"
#include "net/link/control.h"
#include "net/link/frame_codec.h"
#include "net/link/page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace sk;

constexpr std::size_t kPageStrideBytes = 64;

template <typename Value>
void put(std::string& out, Value value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string frame(FrameType type, std::uint8_t flags, StreamId stream, std::string_view payload) {
  std::string out;
  put(out, static_cast<std::uint32_t>(payload.size()));
  put(out, static_cast<std::uint8_t>(type));
  put(out, flags);
  put(out, std::uint16_t{0});
  put(out, stream.slot);
  put(out, stream.generation);
  out.append(payload);
  return out;
}

std::string hello(const LinkLimits& limits) {
  std::string out;
  put(out, kLinkVersion);
  put(out, limits.slots);
  put(out, header_table_hash());
  put(out, static_cast<std::uint64_t>(::getpid()));
  put(out, limits.stream_window);
  put(out, limits.link_window());
  put(out, std::uint16_t{0});
  put(out, std::uint16_t{0});
  return frame(FrameType::hello, 0, StreamId{}, out);
}

struct Field {
  std::string_view name;
  std::string_view value;
};

std::string response(StreamId stream, std::uint64_t length, const std::vector<Field>& fields = {}) {
  std::string out;
  put(out, length);
  put(out, std::uint16_t{200});
  put(out, static_cast<std::uint16_t>(fields.size()));
  put(out, kNoPattern);
  put(out, std::uint8_t{1});
  put(out, std::uint8_t{0});
  for (const Field& field : fields) {
    const HeaderId id = find_header_id(field.name);
    const std::string_view name = id == HeaderId::unknown ? field.name : std::string_view();
    put(out, static_cast<std::uint8_t>(id));
    put(out, std::uint8_t{0});
    put(out, static_cast<std::uint16_t>(name.size()));
    put(out, static_cast<std::uint32_t>(field.value.size()));
    out.append(name).append(field.value);
  }
  return frame(FrameType::response, 0, stream, out);
}

std::string body(StreamId stream, std::string_view bytes, bool last = true) {
  return frame(FrameType::body, last ? kFlagEnd : 0, stream, bytes);
}

// One link, served on a thread of its own with blocking calls.
class Liar {
 public:
  explicit Liar(const LinkEnds& ends)
      : fd_(ends.socket_fd),
        limits_(ends.limits),
        words_(map_words(ends)),
        page_(LinkPage::map(ends.page_fd, ends.limits.slots)) {
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) & ~O_NONBLOCK);
  }

  void run() {
    say(hello(limits_));
    std::string header;
    std::string payload;
    while (page_ && read(header, kFrameHeaderBytes)) {
      const Result<FrameHeader> decoded = decode_header(header);
      if (!decoded || !read(payload, decoded->size)) {
        return;
      }
      if (decoded->type == FrameType::request) {
        answer(decoded->stream, payload);
      } else if (decoded->type == FrameType::ping && (decoded->flags & kFlagAck) == 0) {
        say(frame(FrameType::ping, kFlagAck, decoded->stream, payload));
      }
    }
  }

 private:
  static char* map_words(const LinkEnds& ends) {
    void* memory = ::mmap(nullptr, std::size_t{ends.limits.slots} * kPageStrideBytes,
                          PROT_READ | PROT_WRITE, MAP_SHARED, ends.page_fd, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
  }

  bool read(std::string& into, std::size_t size) {
    into.resize(size);
    for (std::size_t have = 0; have < size;) {
      const ssize_t got = ::recv(fd_, into.data() + have, size - have, 0);
      if (got <= 0) {
        return false;
      }
      have += static_cast<std::size_t>(got);
    }
    return true;
  }

  void say(const std::string& bytes) {
    static_cast<void>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }

  void answer(StreamId stream, std::string_view payload) {
    RequestHead head;
    RequestMeta meta;
    if (!decode_request(payload, head, meta) || !page_->try_start(stream)) {
      say(frame(FrameType::refused, 0, stream, std::string(4, '\1')));
      return;
    }
    constexpr std::string_view kLie = "/lie/";
    const std::string path(head.path);
    if (path.starts_with(kLie)) {
      lie(std::string_view(path).substr(kLie.size()), stream);
    } else {
      answer_honestly(path, stream);
    }
  }

  void answer_honestly(const std::string& path, StreamId stream) {
    const std::string nonce = path.substr(path.rfind('/') + 1);
    const std::string text =
        "{\"nonce\": \"" + nonce + "\", \"pid\": " + std::to_string(::getpid()) + "}";
    say(response(stream, text.size(), {{"content-type", "application/json"}}) + body(stream, text));
  }

  void overwrite_page() {
    if (words_ != nullptr) {
      std::memset(words_, 0xa5, std::size_t{limits_.slots} * kPageStrideBytes);
    }
  }

  void lie(std::string_view name, StreamId stream) {
    const std::string good = response(stream, 2) + body(stream, "ok");
    if (name == "garbage") {
      say(std::string(256, '\xff'));
    } else if (name == "huge") {
      std::string huge = frame(FrameType::body, 0, stream, "");
      huge.replace(0, 4, "\xff\xff\xff\x7f");
      say(huge);
    } else if (name == "type") {
      say(frame(static_cast<FrameType>(99), 0, stream, "x"));
    } else if (name == "slot") {
      say(frame(FrameType::end, 0, {static_cast<std::uint16_t>(limits_.slots - 1), 1}, ""));
    } else if (name == "generation") {
      say(good + body(stream, "more"));
    } else if (name == "window") {
      std::string credit;
      put(credit, std::uint32_t{1} << 30);
      std::string many;
      for (int times = 0; times < 4; ++times) {
        many += frame(FrameType::window, 0, stream, credit);
      }
      say(many);
    } else if (name == "framing") {
      say(response(stream, 2, {{"transfer-encoding", "chunked"}}) + body(stream, "ok"));
    } else if (name == "linebreak") {
      say(response(stream, 2, {{"x-split", "a\r\nSet-Cookie: stolen=1"}}) + body(stream, "ok"));
    } else if (name == "longer") {
      say(response(stream, 2) + body(stream, "longer than two"));
    } else if (name == "again") {
      say(response(stream, 2) + response(stream, 2) + body(stream, "ok"));
    } else if (name == "hello") {
      say(hello(limits_));
    } else if (name == "page") {
      overwrite_page();
      answer_honestly("page", stream);
    } else if (name == "page-silent") {
      overwrite_page();
    }
  }

  const int fd_;
  const LinkLimits limits_;
  char* const words_;
  Result<LinkPage> page_;
};

Task<void> take_links(Loop& loop, CancelScope& scope) {
  while (true) {
    const Result<LinkEnds> ends = co_await receive_link(scope, kControlFd);
    if (!ends) {
      break;
    }
    std::thread([link = *ends] { Liar(link).run(); }).detach();
  }
  loop.stop();
}

}  // namespace

int main() {
  const char* value = std::getenv(kWorkerEnvironment);
  if (value == nullptr || std::string_view(value) != "1") {
    return 2;
  }
  const std::unique_ptr<Loop> loop = Loop::create(IoBackend::epoll);
  CancelScope scope(*loop);
  TaskGroup tasks(*loop);
  tasks.spawn(take_links(*loop, scope));
  if (tasks.live() != 0) {
    loop->run();
  }
  std::_Exit(0);  // its threads wait on their links
}
