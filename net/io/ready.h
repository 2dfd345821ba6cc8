// ReadyNode: something the loop will run from its ready list, soon and once.
//
// Nothing is resumed from inside submit(), a completion or another node's run(): everything that
// may continue is put on the ready list and run from there, so that stacks stay shallow and both
// kernels behave alike. A node is queued at most once; unlinking it takes it back.
#pragma once

#include "net/core/intrusive_list.h"

#include <coroutine>

namespace sk {

struct ReadyTag {};

class ReadyNode : public ListHook<ReadyTag> {
 public:
  using Run = void (*)(ReadyNode&);
  explicit ReadyNode(Run on_run) : run_(on_run) {}
  void run() { run_(*this); }

 protected:
  ~ReadyNode() = default;

 private:
  Run run_;
};

using ReadyList = IntrusiveList<ReadyNode, ReadyTag>;

}  // namespace sk
