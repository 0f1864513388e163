// Explains any history, by whichever judge can.
//
// Small races are for the exact oracle, which shows an excerpt of what it forbids. One of many
// calls is for the judge of large rounds, and so is one that the oracle gives up on, if the history
// says where its race begins.
#ifndef IPCSPEC_IMPL_MONITOR_EXPLAIN_H_
#define IPCSPEC_IMPL_MONITOR_EXPLAIN_H_

#include <string>

#include "impl/call/history.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {

struct Explanation {
  Verdict verdict = Verdict::kUndecided;
  // Why it is forbidden, or what stood in the way of judging it.
  std::string story;
  // kForbidden: what of the history the exact oracle rejects, and where; all of it, or a part.
  History counterexample;
  Blame blame;
  bool is_part = false;
};

Explanation ExplainAny(const History& history);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_EXPLAIN_H_
