#include "net/tls/handshake_admission.h"

#include "net/io/loop.h"

namespace sk {

HandshakeAdmission::HandshakeAdmission(Loop& loop, unsigned steps_per_turn)
    : ReadyNode([](ReadyNode& node) { static_cast<HandshakeAdmission&>(node).next_turn(); }),
      loop_(loop),
      steps_per_turn_(steps_per_turn) {}

bool HandshakeAdmission::try_admit() {
  if (turn_ < loop_.counters().turns) {
    turn_ = loop_.counters().turns;
    used_ = 0;
  }
  if (!waiting_.empty() || used_ >= steps_per_turn_) {
    return false;
  }
  ++used_;
  return true;
}

void HandshakeAdmission::wait(Waiter& waiter) {
  ++delayed_;
  waiting_.push_back(waiter);
  loop_.at_turn_end(*this);
}

void HandshakeAdmission::next_turn() {
  // What the waiters use is taken off the next turn's share.
  turn_ = loop_.counters().turns + 1;
  used_ = 0;
  while (!waiting_.empty() && used_ < steps_per_turn_) {
    loop_.make_ready(waiting_.pop_front());
    ++used_;
  }
  if (!waiting_.empty()) {
    loop_.at_turn_end(*this);
  }
}

}  // namespace sk
