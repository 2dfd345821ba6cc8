// StageWait: while it lives, the request of a scope counts as waiting in a stage.
//
// For waits that are not objects of their own, such as those of a body's reader. Costs nothing
// where the scope's request has no running clock.
#pragma once

#include "net/core/stage.h"
#include "net/io/cancel.h"
#include "net/io/loop.h"

namespace sk {

class StageWait {
 public:
  StageWait(CancelScope& scope, Stage stage)
      : clock_(scope.stage_clock()), loop_(scope.loop()), stage_(stage) {
    if (clock_ != nullptr) {
      // Exactly: what the request has just computed is not waiting.
      clock_->enter(stage_, loop_.read_clock());
    }
  }
  // The wait was over when this turn of the loop began.
  ~StageWait() {
    if (clock_ != nullptr) {
      clock_->leave(stage_, loop_.now());
    }
  }
  StageWait(const StageWait&) = delete;
  StageWait& operator=(const StageWait&) = delete;

 private:
  StageClock* clock_;
  Loop& loop_;
  Stage stage_;
};

}  // namespace sk
