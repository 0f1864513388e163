// The story of a history that the reference does not explain: the last events that it does, what
// was seen then, what was allowed instead, and where to read about it.
#ifndef IPCSPEC_IMPL_ORACLE_STORY_H_
#define IPCSPEC_IMPL_ORACLE_STORY_H_

#include <string>
#include <string_view>
#include <vector>

#include "impl/call/history.h"
#include "impl/oracle/search.h"
#include "impl/reference/world.h"

namespace ipcspec {

// Tells why event `index` of the history could not happen in any of `worlds` (the explanations of
// all events before it).
std::string TellStory(const History& history, size_t index, const std::vector<World>& worlds,
                      bool exhausted);

// What the reference would let the call return that `task` is in: "5 \"hello\"", "EAGAIN or
// EINVAL", "a number from 1 to 4096", "nothing yet: it sleeps".
std::string AllowedNow(const World& world, int task, int64_t now_ns);

// The manual pages that document a call: "semop(2), semctl(2), sysvipc(7)".
std::string_view Source(const Call& call);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_ORACLE_STORY_H_
