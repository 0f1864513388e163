// Excerpt: the few calls of a forbidden history that show what is wrong.
//
// Not every part of a forbidden history means something: without the msgsnd, whatever msgrcv
// returned is forbidden. So calls are left out only where that cannot be what makes the rest
// forbidden: each world that was possible after them must be possible without them too (but for who
// used an object last and when, if nothing asks that later). Then, if the whole could be explained,
// so could its excerpt. This knows nothing of mechanisms: a message and its receive go together as
// the queue is as before, SIGSTOP and SIGCONT as their task is. Only where data are wrong, calls
// that brought or gave the same stay: a message that is received twice is shown with both receives.
#ifndef IPCSPEC_IMPL_ORACLE_EXCERPT_H_
#define IPCSPEC_IMPL_ORACLE_EXCERPT_H_

#include <string>

#include "impl/call/history.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {

// An excerpt of a history that the oracle forbids, which the oracle forbids too; the history itself
// when nothing can be left out. Events before `race_begin` (if there is such) stay. What is wrong
// with an excerpt is told as ExplainHistory does, if it is asked for; `story` and `blame` stay what
// they were where the history itself is given back.
History ExcerptOf(const History& history, std::string* story = nullptr, Blame* blame = nullptr);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_ORACLE_EXCERPT_H_
