// The judge of large rounds: a verdict like the exact oracle's, in about linear time.
//
// A round is taken apart by object (round.h), and each part is put to a model (queue_model.h, ...):
// first one pass looks for small patterns that no correct kernel shows, then a search looks for an
// order of the operations that the model allows. What has no model is undecided.
//
// The judge is not believed when it says no: the calls that it blames are cut out of the history,
// as few as will do, and the exact oracle must reject what is left; else the verdict is undecided.
#ifndef IPCSPEC_IMPL_MONITOR_JUDGE_H_
#define IPCSPEC_IMPL_MONITOR_JUDGE_H_

#include <cstddef>
#include <string>

#include "impl/call/history.h"
#include "impl/monitor/part.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {

struct Judgement {
  Verdict verdict = Verdict::kUndecided;
  // Why the round is forbidden, or what stood in the way of judging it.
  std::string story;
  // kForbidden: a history that the exact oracle rejects: the calls before the race, and of the rest
  // those that matter.
  History counterexample;
  Blame blame;  // in it
};

// Judges a round: events before `race_begin` are in lock step, each batch with its quiet event.
Judgement Judge(const History& history, size_t race_begin, const Effort& effort = {});

// The calls of the race and after it that the judge says matter; for the tests of the judge.
struct PartsAnswer {
  PartAnswer worst;   // of a part that is impossible, else of one that is unknown, else of any
  ObjectName object;  // that part
};
PartsAnswer CheckParts(const Round& round, const Effort& effort);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_JUDGE_H_
