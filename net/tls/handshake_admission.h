// HandshakeAdmission: how many handshakes a loop goes on with in one turn.
//
// A handshake step costs a quarter to half a millisecond of computing. Without a limit a burst of
// new clients would hold up every request that is on its way on the same loop. Those over the limit
// wait in order for the next turns; nobody is refused. One per loop, shared by its connections.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/io/ready.h"

#include <cstdint>

namespace sk {

class Loop;
struct AdmissionTag {};

class HandshakeAdmission : private ReadyNode {
 public:
  static constexpr unsigned kStepsPerTurn = 4;

  explicit HandshakeAdmission(Loop& loop, unsigned steps_per_turn = kStepsPerTurn);

  // Its run function is called when it is its turn; unlinking or destroying it gives up the place.
  class Waiter : public ReadyNode, public ListHook<AdmissionTag> {
   public:
    using ReadyNode::ReadyNode;
    [[nodiscard]] bool waiting() const {
      const ListHook<AdmissionTag>& place = *this;
      const ListHook<ReadyTag>& ready = *this;
      return place.linked() || ready.linked();
    }
    void give_up() {
      ListHook<AdmissionTag>& place = *this;
      ListHook<ReadyTag>& ready = *this;
      place.unlink();
      ready.unlink();
    }
  };

  // True: take a step now.
  [[nodiscard]] bool try_admit();
  // Otherwise: be run in one of the next turns.
  void wait(Waiter& waiter);

  [[nodiscard]] std::uint64_t delayed() const { return delayed_; }

 private:
  void next_turn();

  Loop& loop_;
  const unsigned steps_per_turn_;
  std::uint64_t turn_ = 0;
  unsigned used_ = 0;  // in turn_
  std::uint64_t delayed_ = 0;
  IntrusiveList<Waiter, AdmissionTag> waiting_;
};

}  // namespace sk
