// Program: calls to be made, whose arguments may name earlier outcomes.
//
//   ipcspec program 1
//   1: t0 pipe2()
//   2: t0 fork()
//   3: t2 read(fd=@1.0, count=10)     # t2 is the task that step 2 makes
//   4: t0 write(fd=@1.1, data="hi")
//
// Steps of one task are made in their order; those of different tasks overlap where a call sleeps.
#ifndef IPCSPEC_IMPL_CALL_PROGRAM_H_
#define IPCSPEC_IMPL_CALL_PROGRAM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "impl/call/arg.h"
#include "impl/call/call.h"

namespace ipcspec {

struct Step {
  int label = 0;  // positive, unique
  int task = 0;   // who makes the call: the label of the fork or clone that made it; 0: the first
  Call call;
  bool operator==(const Step&) const = default;
};

struct Program {
  std::vector<Step> steps;
  bool operator==(const Program&) const = default;
};

// The text form; it ends with a newline.
std::string ToText(const Program& program);

// Reads the text form. InvalidArgument, with the place: what is not well formed, a label that is
// not positive or there twice, a task that no earlier fork or clone makes, and a reference to what
// is no earlier step.
absl::StatusOr<Program> ParseProgram(std::string_view text);

// Whether the call makes a task, named by the label of its step.
bool MakesTask(const Call& call);

// `call` with each reference replaced by the number that `value` gives for it. Where `value` knows
// none the reference stays; *ok is true iff that happened nowhere.
Call Resolve(const Call& call,
             absl::FunctionRef<std::optional<int64_t>(ArgKind kind, int label, int index)> value,
             bool* ok);

// The labels of the steps that the arguments of `call` depend on, in order of appearance: those of
// references, and the tasks (other than the first) that it names.
std::vector<int> References(const Call& call);

// `program` without the steps that depend on steps which are not there, or not before them.
Program WithoutUnusable(Program program);

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_PROGRAM_H_
