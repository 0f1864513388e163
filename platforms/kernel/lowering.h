// Lowering: from calls to requests for agents, and from results back to outcomes.
//
// One small pair of functions a call: Lower writes the system call's number and arguments into the
// request (what it points to goes into the buffer beside it), Decode reads what came out. Nothing
// here allocates but for data. The pairs of a mechanism are in lowering_X.cc; lowering_parts.h
// declares them.
#ifndef IPCSPEC_PLATFORMS_KERNEL_LOWERING_H_
#define IPCSPEC_PLATFORMS_KERNEL_LOWERING_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "impl/call/call.h"
#include "impl/call/outcome.h"
#include "platforms/kernel/mailbox.h"

namespace ipcspec {

// Writes a request, and what it points to into a buffer of `room` bytes.
class Request {
 public:
  Request(Prepared& request, char* buffer, size_t room)
      : request_(request), buffer_(buffer), room_(room) {
    request_.pointers = 0;
    request_.deadline = -1;
    request_.args = {};
  }
  void Op(int64_t op) { request_.op = op; }
  void Int(int i, int64_t value) { request_.args[i] = value; }
  // The argument points to `size` bytes of the buffer, which this returns. The first such area of
  // a request begins at offset 0, where Decode finds it.
  char* Area(int i, size_t size);
  void Text(int i, std::string_view text);
  // The argument points to the time of the call, on this clock, and `timeout`; or, if `bad`, to a
  // time whose nanoseconds are out of range.
  void Deadline(int i, Nanos timeout, int clock, bool bad);
  // A pointer to nothing.
  void BadPointer(int i) { request_.args[i] = 8; }
  bool overflowed() const { return overflowed_; }
  // How many bytes of the buffer are in use.
  size_t used() const { return used_; }

 private:
  Prepared& request_;
  char* const buffer_;
  const size_t room_;
  size_t used_ = 0;
  bool overflowed_ = false;
};

// What lowering needs to know of the run.
struct LoweringContext {
  int child_slot = -1;      // fork, clone: the mailbox of the child
  int own_slot = -1;        // exec
  std::string memory_path;  // exec
  // The process of a task, -1 if there is none; and back.
  std::function<int64_t(int64_t task)> pid_of;
  std::function<int64_t(int64_t pid)> task_of;
};

// What an agent's call gave, and the buffer that it had.
struct RawAnswer {
  int64_t result;
  const char* buffer;
};

// Errors: the call's data does not fit into the buffer.
absl::Status Lower(const Call& call, const LoweringContext& context, Request& request);
Outcome Decode(const Call& call, const LoweringContext& context, const RawAnswer& answer);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_LOWERING_H_
