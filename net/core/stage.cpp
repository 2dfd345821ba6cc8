#include "net/core/stage.h"

#include "net/core/assert.h"

#include <algorithm>
#include <numeric>

namespace sk {
namespace {

constexpr std::array<std::string_view, kStages> kNames = {
#define SK_STAGE_NAME(name) #name,
    SK_STAGE_TABLE(SK_STAGE_NAME)
#undef SK_STAGE_NAME
};

// Which of several waits the time belongs to: the one that says most about what is slow.
constexpr std::array kOrder = {Stage::pg, Stage::pg_pool, Stage::redis, Stage::read, Stage::write};

}  // namespace

std::string_view to_string(Stage stage) noexcept { return kNames[static_cast<std::size_t>(stage)]; }

Duration StageTimes::sum() const {
  return std::accumulate(times_.begin(), times_.end(), Duration::zero());
}

Stage StageTimes::top() const {
  return static_cast<Stage>(std::ranges::max_element(times_) - times_.begin());
}

void StageClock::start(Stage base, Instant at, StageObserver* observer) {
  reset();
  base_ = base;
  present_ = base;
  started_at_ = at;
  since_ = at;
  observer_ = observer;
  running_ = true;
  changed();
}

void StageClock::stop(Instant at) {
  if (running_) {
    advance(at);
    running_ = false;
    changed();
  }
}

void StageClock::reset() {
  times_.reset();
  started_at_ = kNever;
  observer_ = nullptr;
  waits_.fill(0);
  base_ = Stage::handler;
  present_ = Stage::handler;
  struck_.reset();
  running_ = false;
}

void StageClock::advance(Instant at) {
  if (running_ && at > since_) {
    times_[present_] += at - since_;
    since_ = at;
  }
}

void StageClock::set_base(Stage base, Instant at) {
  if (running_ && base != base_) {
    advance(at);
    base_ = base;
    find_present();
    changed();
  }
}

void StageClock::enter(Stage wait, Instant at) {
  ++waits(wait);
  if (running_) {
    advance(at);
    find_present();
    changed();
  }
}

void StageClock::move(Stage from, Stage to, Instant at) {
  SK_DEBUG_ASSERT(waits(from) > 0);
  --waits(from);
  enter(to, at);
}

void StageClock::leave(Stage wait, Instant at) {
  SK_DEBUG_ASSERT(waits(wait) > 0);
  --waits(wait);
  if (running_) {
    advance(at);
    find_present();
    changed();
  }
}

void StageClock::reassign(Stage from, Stage to) {
  const Duration spent = times_[from];
  times_[from] = Duration::zero();
  times_[to] += spent;
}

void StageClock::strike() {
  if (running_) {
    struck_ = present_;
    changed();
  }
}

std::uint16_t& StageClock::waits(Stage stage) { return waits_[static_cast<std::size_t>(stage)]; }

void StageClock::find_present() {
  present_ = base_;
  for (const Stage stage : kOrder) {
    if (waits_[static_cast<std::size_t>(stage)] > 0) {
      present_ = stage;
      return;
    }
  }
}

void StageClock::changed() {
  if (observer_ != nullptr) {
    observer_->stage_changed(*this);
  }
}

}  // namespace sk
