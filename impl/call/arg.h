// Arguments of calls that name something the system handed out.
//
// In a Program such an argument may say "what step 3 returned"; in a History it is always the
// number itself. The kind (descriptor, identifier, task, key) lets a History be turned back into a
// Program: a number of a kind that an earlier call returned becomes a reference to that call.
#ifndef IPCSPEC_IMPL_CALL_ARG_H_
#define IPCSPEC_IMPL_CALL_ARG_H_

#include <cstdint>

namespace ipcspec {

enum class ArgKind { kFd, kSemId, kMsgId, kShmId, kTask, kKey, kAddress };

template <ArgKind K>
struct Arg {
  static constexpr ArgKind kKind = K;

  int64_t value = -1;  // what is meant, when `label` is 0
  int label = 0;       // else: the step whose outcome is meant ...
  int index = -1;      // ... its return value (-1), or Outcome::values[index]

  constexpr Arg() = default;
  constexpr Arg(int64_t v) : value(v) {}  // NOLINT: a test writes {.fd = 3}
  static constexpr Arg Of(int label, int index = -1) {
    Arg a;
    a.label = label;
    a.index = index;
    return a;
  }
  bool is_reference() const { return label != 0; }
  bool operator==(const Arg&) const = default;
};

using Fd = Arg<ArgKind::kFd>;
using SemId = Arg<ArgKind::kSemId>;
using MsgId = Arg<ArgKind::kMsgId>;
using ShmId = Arg<ArgKind::kShmId>;
using TaskArg = Arg<ArgKind::kTask>;     // a task, named by the step that made it; 0 is the first
using Key = Arg<ArgKind::kKey>;          // key_t; IPC_PRIVATE is 0
using Address = Arg<ArgKind::kAddress>;  // of memory, in the task's own address space

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_ARG_H_
