// Lanes: a small history as a drawing, one lane a task, a bar from each call to its return.
//
//       1003 ns
//   t10  [read(3,9)-3 "<1>"] [read(3,9)-!USR1----------EINTR]              |
//   t11   [write(4,"<1>")----3]          [read(3,9)-!!KILL-X killed SIGKILL|
//   t12                                                      [read(3,1)----+~
//
// Not to scale: each event has a column of its own, so what overlaps is what was concurrent. A bar
// that ends with ~ goes on; | across the lanes is a moment when all was quiet. A bar of # is that
// of the call that is not explained.
#ifndef IPCSPEC_IMPL_ORACLE_LANES_H_
#define IPCSPEC_IMPL_ORACLE_LANES_H_

#include <string>
#include <string_view>

#include "impl/call/history.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {

// For a terminal, in lines of at most `width` columns (60 at least); a long history goes on below.
std::string DrawLanes(const History& history, int width = 100, const Blame& blame = {});

// The same as a page of HTML that needs nothing else, above it `title` and `story` as plain text.
// Pointing at a bar shows the whole call and its times.
std::string LanesPage(const History& history, std::string_view title, std::string_view story,
                      const Blame& blame = {});

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_ORACLE_LANES_H_
