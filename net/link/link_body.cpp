#include "net/link/link_body.h"

#include "net/io/loop.h"
#include "net/link/link_connection.h"

#include <algorithm>
#include <cstring>

namespace sk {
namespace {

// A held piece smaller than this is copied behind its predecessor: a slice pins a whole receive
// buffer, and credit must bound memory, not only bytes.
constexpr std::size_t kCoalesceBelowBytes = kBufferBytes / 2;

// A window that was used up faster than this is too small for the pace of its reader.
constexpr auto kFastDrain = std::chrono::milliseconds(100);

// Producers wait when more than this is queued behind credit or the batch bound.
constexpr std::size_t kPendingHighBytes = 2 * kBodyBytesMax;

const Error kStoppedByPeer{ErrorCode::cancelled, ErrorOrigin::upstream, 0,
                           "link: the peer wants no more of this body"};

}  // namespace

// --- LinkInbound ---

void LinkInbound::begin(StreamId stream) {
  stream_ = stream;
  queue_.clear();
  first_ = 0;
  trailers_.reset();
  error_.reset();
  ended_ = false;
  stopped_ = false;
  muted_ = false;
  readable_.clear();
  window_ = link_.limits().stream_window;
  borrowed_ = 0;
  credit_left_ = window_;
  ungranted_ = 0;
  granted_at_ = link_.loop().now();
}

std::optional<Result<Slice>> LinkInbound::try_read() {
  if (first_ < queue_.size()) {
    Slice bytes = std::move(queue_[first_]);
    if (++first_ == queue_.size()) {
      queue_.clear();
      first_ = 0;
    }
    consumed(bytes.size());
    return Result<Slice>(std::move(bytes));
  }
  if (error_) {
    return Result<Slice>(fail(*error_));
  }
  if (ended_) {
    return Result<Slice>(Slice());
  }
  return std::nullopt;
}

void LinkInbound::consumed(std::size_t bytes) {
  link_.bytes_released(static_cast<std::uint32_t>(bytes));
  ungranted_ += static_cast<std::uint32_t>(bytes);
  if (!open() || stopped_ || muted_ || ungranted_ < window_ / 2) {
    return;
  }
  const Instant now = link_.loop().now();
  std::uint32_t grant = ungranted_;
  const std::uint32_t most = link_.limits().stream_window_max;
  if (window_ < most && now - granted_at_ < kFastDrain) {
    const std::uint32_t extra = link_.borrow_growth(std::min(window_, most - window_));
    window_ += extra;
    borrowed_ += extra;
    grant += extra;
  }
  granted_at_ = now;
  ungranted_ = 0;
  credit_left_ += grant;
  encode_window(link_.output(), stream_, grant);
  link_.flush();
}

Result<void> LinkInbound::arrived(Slice bytes) {
  if (!open()) {
    return fail(ErrorCode::malformed, "link: body after the end of its direction");
  }
  if (bytes.size() > credit_left_) {
    return fail(ErrorCode::malformed, "link: body beyond the stream's credit");
  }
  credit_left_ -= static_cast<std::uint32_t>(bytes.size());
  if (stopped_) {
    link_.bytes_released(static_cast<std::uint32_t>(bytes.size()));
    return {};
  }
  const bool held = first_ < queue_.size();
  if (held && bytes.size() < kCoalesceBelowBytes) {
    // A gathered block is recognised by not being full: it was made here, with room behind it.
    Slice& last = queue_.back();
    BufferPool& pool = link_.loop().buffers();
    if (last.size() + bytes.size() <= kBufferBytes && last.size() < kCoalesceBelowBytes) {
      Buffer& block = pool.acquire_or_allocate();
      std::memcpy(block.data, last.data(), last.size());
      std::memcpy(block.data + last.size(), bytes.data(), bytes.size());
      last = Slice::adopt(block, block.data, last.size() + bytes.size());
    } else {
      queue_.push_back(copy_to_slice(pool, bytes.view()));
    }
  } else {
    queue_.push_back(std::move(bytes));
  }
  readable_.set();
  return {};
}

void LinkInbound::ended() {
  ended_ = true;
  readable_.set();
}

void LinkInbound::failed(const Error& error) {
  if (open()) {
    error_ = error;
    readable_.set();
  }
}

void LinkInbound::stop() {
  if (stopped_) {
    return;
  }
  abandon();
  if (open() && !muted_) {
    encode_empty(link_.output(), FrameType::stop, stream_);
    link_.flush();
  }
}

void LinkInbound::abandon() {
  stopped_ = true;
  std::uint32_t dropped = 0;
  for (; first_ < queue_.size(); ++first_) {
    dropped += static_cast<std::uint32_t>(queue_[first_].size());
  }
  queue_.clear();
  first_ = 0;
  if (dropped > 0) {
    link_.bytes_released(dropped);
  }
}

void LinkInbound::finish() {
  abandon();
  link_.return_growth(std::exchange(borrowed_, 0));
}

// --- LinkOutbound ---

void LinkOutbound::begin(StreamId stream, std::uint32_t credit) {
  SK_DEBUG_ASSERT(!linked());
  stream_ = stream;
  pending_.clear();
  first_ = 0;
  pending_bytes_ = 0;
  trailers_.reset();
  finishing_ = false;
  ended_ = false;
  credit_ = credit;
  accepted_ = 0;
  expected_.reset();
  broken_.reset();
  writable_.clear();
}

bool LinkOutbound::writable() const { return broken_ || pending_bytes_ < kPendingHighBytes; }

bool LinkOutbound::can_send() const {
  if (ended_) {
    return false;
  }
  return pending_bytes_ > 0 ? credit_ > 0 : finishing_;
}

void LinkOutbound::write(Slice bytes) {
  if (broken_ || ended_ || finishing_ || bytes.empty()) {
    return;
  }
  accepted_ += bytes.size();
  if (expected_ && accepted_ > *expected_) {
    reset(ErrorCode::internal);
    return;
  }
  const bool at_once = pending_bytes_ == 0 && bytes.size() <= kBodyBytesMax &&
                       bytes.size() <= credit_ && bytes.size() <= link_.peer_credit() &&
                       !link_.batch_full();
  if (at_once) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    credit_ -= size;
    link_.spend_credit(size);
    encode_body(link_.output(), stream_, std::move(bytes), false);
    link_.flush();
    return;
  }
  pending_bytes_ += bytes.size();
  pending_.push_back(std::move(bytes));
  if (can_send()) {
    link_.schedule(*this);
  }
}

bool LinkOutbound::send_some() {
  if (!can_send()) {
    return false;
  }
  if (pending_bytes_ == 0) {
    send_end();
    return true;
  }
  Slice& front = pending_[first_];
  const std::size_t part = std::min(
      {front.size(), std::size_t{credit_}, std::size_t{link_.peer_credit()}, kBodyBytesMax});
  if (part == 0) {
    return false;
  }
  Slice piece = front.sub(0, part);
  front.remove_prefix(part);
  if (front.empty() && ++first_ == pending_.size()) {
    pending_.clear();
    first_ = 0;
  }
  pending_bytes_ -= part;
  credit_ -= static_cast<std::uint32_t>(part);
  link_.spend_credit(static_cast<std::uint32_t>(part));
  const bool last = pending_bytes_ == 0 && finishing_ && trailers_.empty();
  encode_body(link_.output(), stream_, std::move(piece), last);
  writable_.set();
  if (last) {
    ended_ = true;
    link_.direction_ended(stream_);
  }
  return true;
}

void LinkOutbound::finish(const Fields& trailers) {
  if (ended_ || finishing_) {
    return;
  }
  if (expected_ && accepted_ != *expected_) {
    reset(ErrorCode::internal);
    return;
  }
  finishing_ = true;
  for (const HeaderField& field : trailers) {
    if (field.id() != HeaderId::unknown) {
      trailers_.add(field.id(), field.value());
    } else {
      trailers_.add(field.name(), field.value());
    }
  }
  if (pending_bytes_ == 0) {
    send_end();
  }
}

void LinkOutbound::send_end() {
  // Trailers that do not fit a frame are left out: they are optional by nature (RFC 9110 6.5).
  if (!encode_end(link_.output(), stream_, trailers_)) {
    const Fields none;
    const bool fits = encode_end(link_.output(), stream_, none);
    SK_ASSERT(fits);
  }
  ended_ = true;
  link_.flush();
  link_.direction_ended(stream_);
}

void LinkOutbound::reset(ErrorCode reason) {
  if (ended_) {
    return;
  }
  drop_pending();
  encode_reset(link_.output(), stream_, reason);
  ended_ = true;
  link_.flush();
  link_.direction_ended(stream_);
}

Result<void> LinkOutbound::granted(std::uint32_t bytes) {
  if (bytes > link_.limits().stream_window_max ||
      credit_ + bytes > 2 * link_.limits().stream_window_max) {
    return fail(ErrorCode::malformed, "link: more credit than a stream may have");
  }
  credit_ += bytes;
  if (can_send()) {
    link_.schedule(*this);
  }
  return {};
}

void LinkOutbound::drop_pending() {
  ListHook<PendingTag>& hook = *this;
  hook.unlink();
  pending_.clear();
  first_ = 0;
  pending_bytes_ = 0;
}

void LinkOutbound::stopped_by_peer() {
  drop_pending();
  if (!ended_ && !broken_) {
    broken_ = kStoppedByPeer;
  }
  if (finishing_) {
    reset(ErrorCode::cancelled);  // nobody else is left to end this direction
  }
  writable_.set();
}

void LinkOutbound::failed(const Error& error) {
  drop_pending();
  ended_ = true;
  if (!broken_) {
    broken_ = error;
  }
  writable_.set();
}

}  // namespace sk
