// Counter-examples: the few calls of a round that show what is wrong.
#ifndef IPCSPEC_IMPL_MONITOR_SHRINK_H_
#define IPCSPEC_IMPL_MONITOR_SHRINK_H_

#include <cstddef>
#include <vector>

#include "absl/functional/function_ref.h"
#include "impl/call/history.h"
#include "impl/monitor/part.h"
#include "impl/monitor/round.h"

namespace ipcspec {

// The history of the round with these of its groups only: the calls before the race stay, and with
// a killed or interrupted call what killed or interrupted it. Of quiet events, which only
// add to what must hold, the one that is blamed stays; if none is, and nothing sleeps, the last.
History Keep(const Round& round, size_t race_begin, const std::vector<Group>& groups,
             const std::vector<size_t>& kept, uint32_t quiet);

// A small set of groups of an impossible part, as indices in ascending order, for which `fails`
// says that what is kept is impossible still. Groups that a kept watcher may depend on are kept
// with it. Empty: not even all of them fail.
std::vector<size_t> Shrink(const PartAnswer& part,
                           absl::FunctionRef<bool(const std::vector<size_t>&)> fails);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MONITOR_SHRINK_H_
