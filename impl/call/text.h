// The text form of calls and outcomes: in logs, corpora, golden files and reports.
//
//   write(fd=4, data="hello")      5
//   pipe2(flags=O_NONBLOCK)        0 [3, 4]
//   read(fd=@1.0, count=10)        5 "hello"
//   semop(id=0, ops=[{num=0, op=-1, flags=IPC_NOWAIT}])        EAGAIN
//
// Fields that are as in a call made by default are left out. What ToText prints, the parsers read
// back to an equal value. They take any input: what they cannot read is an InvalidArgument error
// that says where, what was expected and what was found.
#ifndef IPCSPEC_IMPL_CALL_TEXT_H_
#define IPCSPEC_IMPL_CALL_TEXT_H_

#include <concepts>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "impl/call/call.h"
#include "impl/call/cursor.h"
#include "impl/call/names.h"  // ErrnoName, SignalName: the text of those numbers
#include "impl/call/outcome.h"

namespace ipcspec {

std::string ToText(const Call& call);
std::string ToText(const Outcome& outcome);

absl::StatusOr<Call> ParseCall(std::string_view text);
absl::StatusOr<Outcome> ParseOutcome(std::string_view text);

// The same within a larger text; false iff the cursor failed.
bool ParseCall(Cursor& cursor, Call* call);
bool ParseOutcome(Cursor& cursor, Outcome* outcome);

// Reads the name of a task, t0 or t12; false iff the cursor failed.
bool ParseTask(Cursor& cursor, int* task);

// For messages of tests. A template, lest everything that is printed be tried as a Call.
template <class T>
requires std::same_as<T, Call> || std::same_as<T, Outcome> std::ostream& operator<<(
    std::ostream& out, const T& value) {
  return out << ToText(value);
}

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_TEXT_H_
