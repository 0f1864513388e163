// History: what was done and seen, in order.
//
//   ipcspec history 1
//   kernel=linux release="6.1" major=6 minor=1 ...
//   0 t0 call 1: pipe2()
//   1800 t0 return 0 [3, 4]
//   2500 t0 call 2: read(fd=3, count=10)
//   90000 quiet
//   91000 t0 signal SIGPIPE
//   92000 t0 kill
//   95000 t0 killed SIGKILL
//
// The second line holds the dialect of the system. Each further line is an event: the time in
// nanoseconds since the start, the task, and what happened.
//
// A line `race` may stand between two events, once: before it there is one call at a time, each
// followed by its quiet event; from there on tasks race. Who judges long races needs to know.
#ifndef IPCSPEC_IMPL_CALL_HISTORY_H_
#define IPCSPEC_IMPL_CALL_HISTORY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "impl/call/call.h"
#include "impl/call/outcome.h"
#include "impl/call/program.h"
#include "impl/reference/dialect.h"

namespace ipcspec {

struct Event {
  enum class Kind {
    kCall,    // the task makes a call
    kReturn,  // and has its outcome
    kSignal,  // the task ran a handler
    kExit,    // the task has ended
    kKill,    // the harness sent SIGKILL to the task
    kQuiet,   // all tasks are idle, or blocked in the kernel
  };
  Kind kind = Kind::kQuiet;
  int64_t time_ns = 0;               // since the start; never less than that of the event before
  int task = 0;                      // all but kQuiet
  int label = 0;                     // kCall: of the step; positive, unique
  std::shared_ptr<const Call> call;  // kCall; no argument is a reference
  Outcome outcome;                   // kReturn
  int number = 0;        // kSignal: the signal; kExit: the wait status, -1 when it is not known
  bool guessed = false;  // kQuiet: inferred by waiting, not read from the kernel

  // Calls are compared by value.
  bool operator==(const Event& other) const;
};

struct History {
  Dialect dialect;
  std::vector<Event> events;
  // The first event of the race, or their number: it stands at the end; none: nothing says where.
  std::optional<size_t> race_begin = {};
  bool operator==(const History&) const = default;
};

// How many calls are made, from that event on.
int CallsIn(const History& history, size_t from = 0);

// One line, without its end.
std::string ToText(const Event& event);
std::string ToText(const History& history);

// Reads the text form. InvalidArgument, with the place: what is not well formed, a time before that
// of the event above, a task that no fork or clone makes, a call by a task that is in a call or has
// ended, a return without a call, a second race, and a text that was cut off within a line.
absl::StatusOr<History> ParseHistory(std::string_view text);

// The calls of `history` as a program. A descriptor, identifier or key that an earlier call
// returned becomes a reference to the latest such call, as far as the task could know it:
// descriptors are those that the task made, or had when it was made.
Program ToProgram(const History& history);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_HISTORY_H_
