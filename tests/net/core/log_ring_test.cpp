// The ring and its writer: whole lines, counted drops, a reader that stalls, many producers.
#include "net/core/log_line.h"
#include "net/core/log_ring.h"
#include "net/core/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

namespace sk {
namespace {

constexpr std::size_t kSmallRing = 64U << 10;

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    close_write();
    ::close(ends[0]);
  }
  void close_write() {
    if (ends[1] >= 0) {
      ::close(ends[1]);
      ends[1] = -1;
    }
  }
  // Everything until the end of file or until `enough` holds; at most ten seconds.
  template <typename Enough>
  std::string read_until(Enough enough) {
    std::string all;
    char chunk[65536];
    pollfd wait{ends[0], POLLIN, 0};
    while (!enough(all) && ::poll(&wait, 1, 10'000) > 0) {
      const ssize_t count = ::read(ends[0], chunk, sizeof chunk);
      if (count <= 0) {
        break;
      }
      all.append(chunk, static_cast<std::size_t>(count));
    }
    return all;
  }
  int ends[2] = {-1, -1};
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    lines.push_back(text.substr(start, end - start));
    EXPECT_NE(end, std::string::npos) << "a torn line: " << lines.back();
    start = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

LogIdentity test_identity() { return {42, "testhost", "test"}; }

TEST(LogRing, LinesComeOutInOrderAcrossManyTurnsOfTheRing) {
  LogRing ring(kSmallRing);
  std::uint64_t next_read = 0;
  for (std::uint64_t next = 0; next < 50'000; ++next) {
    const std::string line = std::to_string(next) + std::string(next % 97, '.') + "\n";
    ASSERT_TRUE(ring.reserve().size() >= line.size());
    ring.append(line);
    if (next % 13 == 0) {
      const std::string_view readable = ring.readable();
      for (const std::string& got : lines_of(std::string(readable))) {
        ASSERT_EQ(got, std::to_string(next_read) + std::string(next_read % 97, '.'));
        ++next_read;
      }
      ring.release(readable.size());
    }
  }
  EXPECT_EQ(ring.dropped(), 0U);
}

TEST(LogRing, AFullRingRefusesWholeLinesAndCountsThem) {
  LogRing ring(kSmallRing);
  const std::string line = std::string(999, 'x') + "\n";
  std::uint64_t taken = 0;
  for (int round = 0; round < 100; ++round) {
    ring.append(line);
    taken = ring.readable().size() / line.size();
  }
  EXPECT_LT(taken, 66U);
  EXPECT_EQ(ring.dropped(), 100 - taken);
  EXPECT_EQ(ring.readable().size() % line.size(), 0U);
  ring.release(ring.readable().size());
  EXPECT_FALSE(ring.reserve().empty());
}

TEST(LogRing, AsksForTheWriterOnceWhenHalfFull) {
  LogRing ring(kSmallRing);
  const std::string line(1000, 'x');
  int asked = 0;
  for (int round = 0; round < 45; ++round) {
    asked += ring.append(line) ? 1 : 0;
  }
  EXPECT_EQ(asked, 1);
  ring.release(ring.readable().size());
  for (int round = 0; round < 45; ++round) {
    asked += ring.append(line) ? 1 : 0;
  }
  EXPECT_EQ(asked, 2);
}

TEST(LogRing, ALineBeyondTheLimitIsRefused) {
  LogRing ring(kSmallRing);
  ring.append(std::string(kLogLineBytesMax + 1, 'x'));
  EXPECT_EQ(ring.dropped(), 1U);
  EXPECT_TRUE(ring.readable().empty());
}

TEST(LogWriter, StopWritesEverythingCommittedBefore) {
  Pipe pipe;
  LogWriter writer(pipe.ends[1], test_identity(), kSmallRing);
  Log log(writer);
  writer.start();
  log.event(LogLevel::info, "one");
  log.event(LogLevel::info, "two", {{"n", 2}, {"text", "a\"b"}});
  EXPECT_TRUE(writer.stop(std::chrono::seconds(10)));
  pipe.close_write();
  const auto lines = lines_of(pipe.read_until([](const std::string&) { return false; }));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[1].find("\"pid\": 42, \"hostname\": \"testhost\", \"name\": \"test\", \"n\": 2, "
                          "\"text\": \"a\\u0022b\", \"msg\": \"two\"}"),
            std::string::npos)
      << lines[1];
}

TEST(LogWriter, LinesAppearWithoutStopping) {
  Pipe pipe;
  LogWriter writer(pipe.ends[1], test_identity(), kSmallRing);
  Log log(writer);
  writer.start();
  log.event(LogLevel::info, "soon");
  const std::string text =
      pipe.read_until([](const std::string& all) { return all.find('\n') != std::string::npos; });
  EXPECT_NE(text.find("soon"), std::string::npos);
}

TEST(LogWriter, ManyProducersNeverTearOrLoseALine) {
  Pipe pipe;
  LogWriter writer(pipe.ends[1], test_identity(), 1U << 20);
  writer.start();
  constexpr int kProducers = 4;
  constexpr int kLines = 1500;  // 4 x 1500 x ~110 bytes fit the rings whatever the reader does
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&writer, producer] {
      Log log(writer);
      for (int number = 0; number < kLines; ++number) {
        log.event(LogLevel::info, "x", {{"producer", producer}, {"number", number}});
      }
    });
  }
  std::size_t seen = 0;
  const std::string text =
      pipe.read_until([&seen, scanned = std::size_t{0}](const std::string& all) mutable {
        for (; scanned < all.size(); ++scanned) {
          seen += all[scanned] == '\n' ? 1 : 0;
        }
        return seen == std::size_t{kProducers} * kLines;
      });
  for (std::thread& producer : producers) {
    producer.join();
  }
  std::map<int, int> next;
  for (const std::string& line : lines_of(text)) {
    int producer = -1;
    int number = -1;
    const std::size_t at = line.find("\"producer\"");
    ASSERT_NE(at, std::string::npos) << line;
    ASSERT_EQ(
        std::sscanf(line.c_str() + at, "\"producer\": %d, \"number\": %d", &producer, &number), 2)
        << line;
    EXPECT_EQ(number, next[producer]++);
  }
  EXPECT_EQ(seen, std::size_t{kProducers} * kLines);
  EXPECT_EQ(writer.dropped(), 0U);
}

TEST(LogWriter, AReaderThatStallsCostsCountedLinesAndNeverTheProducer) {
  Pipe pipe;
  LogWriter writer(pipe.ends[1], test_identity(), kSmallRing);
  Log log(writer);
  writer.start();
  constexpr std::uint64_t kLines = 20'000;  // far more than pipe and ring hold
  for (std::uint64_t number = 0; number < kLines; ++number) {
    log.event(LogLevel::info, "stalled", {{"number", number}});
  }
  EXPECT_GT(writer.dropped(), 0U);
  // The reader comes back: what was kept arrives whole, and lines say what was lost.
  std::uint64_t arrived = 0;
  std::uint64_t reported = 0;
  const std::string text = pipe.read_until([&, start =
                                                   std::size_t{0}](const std::string& all) mutable {
    for (std::size_t end = 0; (end = all.find('\n', start)) != std::string::npos; start = end + 1) {
      const std::string line = all.substr(start, end - start);
      EXPECT_EQ(line.front(), '{');
      EXPECT_EQ(line.back(), '}');
      arrived += line.find("\"stalled\"") != std::string::npos ? 1 : 0;
      const std::size_t at = line.find("\"dropped\": ");
      if (at != std::string::npos) {
        reported += std::strtoull(line.c_str() + at + 11, nullptr, 10);
      }
    }
    return arrived + reported >= kLines;
  });
  EXPECT_EQ(arrived + reported, kLines);
  EXPECT_EQ(writer.dropped(), reported);
}

TEST(LogWriter, StopGivesUpOnADescriptorThatBlocks) {
  Pipe pipe;
  LogWriter writer(pipe.ends[1], test_identity(), 1U << 20);
  Log log(writer);
  writer.start();
  for (int number = 0; number < 5'000; ++number) {
    log.event(LogLevel::info, "nobody reads this line, and the pipe holds 64 KiB of them");
  }
  EXPECT_FALSE(writer.stop(std::chrono::milliseconds(50)));
  // The thread that was left behind goes on with this descriptor until all is read, or the process
  // ends: nobody else may get its number.
  pipe.ends[1] = -1;
  pipe.read_until([&](const std::string& all) { return all.size() > 5'000 * 120; });
}

TEST(LogWriter, ABrokenOutputIsCountedAndSurvived) {
  signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  LogWriter writer(pipe.ends[1], test_identity(), kSmallRing);
  Log log(writer);
  ::close(pipe.ends[0]);
  pipe.ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  log.event(LogLevel::info, "lost");
  writer.start();
  EXPECT_TRUE(writer.stop(std::chrono::seconds(10)));
  EXPECT_EQ(writer.dropped(), 1U);
}

TEST(LogLine, WhateverTheRoomItIsOneValidObject) {
  for (std::size_t room_bytes = 1024; room_bytes < 1200; ++room_bytes) {
    std::string room(room_bytes, '~');
    LogLine line(room);
    line.begin(LogLevel::info, 1, test_identity());
    line.field("long", std::string(300, '"')).number("n", std::int64_t{7}).millis("ms", 1'234'567);
    const std::size_t size = line.end(std::string(3000, 'm'));
    ASSERT_LE(size, room_bytes);
    EXPECT_EQ(room.substr(size - 3, 3), "\"}\n");
  }
}

TEST(LogLine, MillisecondsAlwaysHaveThreeDecimals) {
  std::string room(1024, ' ');
  LogLine line(room);
  line.raw("{").millis(0).raw(" ").millis(43'999).raw(" ").millis(12'000'000).raw(" ").millis(-5);
  line.raw(" ").millis(86'400'000'000'001);
  line.end("");
  EXPECT_EQ(room.substr(0, 44), "{0.000 0.043 12.000 0.000 86400000.000, \"msg");
}

TEST(LogLine, WithoutRoomNothingHappens) {
  LogLine line({});
  line.begin(LogLevel::info, 1, test_identity()).field("a", "b").number("n", std::int64_t{1});
  EXPECT_FALSE(static_cast<bool>(line));
  EXPECT_EQ(line.end("x"), 0U);
}

}  // namespace
}  // namespace sk
