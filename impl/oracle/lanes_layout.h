// Where everything of a drawing of lanes stands, in columns of characters; see lanes.h.
//
// Columns are given to events in their order, as many as its texts need. The drawing is cut into
// blocks, one below the other; a text never crosses a cut, a bar may. Not for use outside
// impl/oracle.
#ifndef IPCSPEC_IMPL_ORACLE_LANES_LAYOUT_H_
#define IPCSPEC_IMPL_ORACLE_LANES_LAYOUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "impl/call/history.h"
#include "impl/oracle/oracle.h"

namespace ipcspec {

// A piece of a bar, in one block, from column to column, both included.
struct LaneBar {
  enum class End { kReturned, kFailed, kDied, kPending };
  int block = 0;
  int task = 0;
  int from = 0;
  int to = 0;
  bool begins = false;      // else the bar comes from the block above
  bool ends = false;        // else it goes on below, or to the end
  End end = End::kPending;  // of the whole bar
  bool blamed = false;      // what is not explained
  std::string whole;        // the call, its outcome and its times, in full
};

struct LaneText {
  enum class Kind { kCall, kOutcome, kSignal, kKill, kExit };
  Kind kind = Kind::kCall;
  int block = 0;
  int task = 0;
  int from = 0;
  std::string text;
};

struct LaneQuiet {
  int block = 0;
  int at = 0;
  bool blamed = false;
};

struct LaneLayout {
  int width = 0;  // of a block
  std::vector<int> tasks;
  std::vector<int64_t> begin_ns;  // by block: the time of its first event
  std::vector<LaneBar> bars;
  std::vector<LaneText> texts;
  std::vector<LaneQuiet> quiets;

  int blocks() const { return static_cast<int>(begin_ns.size()); }
  // The tasks that have something in the block, in order.
  std::vector<int> TasksIn(int block) const;
};

LaneLayout LayOut(const History& history, int width, const Blame& blame);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_ORACLE_LANES_LAYOUT_H_
