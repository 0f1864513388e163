// What IPC objects have in common: namespaces (ipc_namespaces(7)), limits (proc_sys_kernel(5),
// mq_overview(7)), lists (proc_sysvipc(5)); and the privileges that count for them
// (capabilities(7)).
#include <climits>
#include <optional>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// A number that can be written to the file of a limit.
struct Range {
  int64_t low, high;                     // these surely
  int64_t lowest = low, highest = high;  // these perhaps
};

// The indices of the kernel's table, and with ipcmni_extend (sysv_ids.h).
constexpr int64_t kIndices = int64_t{1} << kIpcIndexBits;
constexpr int64_t kMostIndices = int64_t{1} << kIpcIndexBitsExtended;

Range RangeOf(Limit limit) {
  switch (limit) {
    case Limit::kMsgmax:
    case Limit::kMsgmnb:
      return {0, INT_MAX};
    case Limit::kMsgmni:
    case Limit::kShmmni:
      return {.low = 0, .high = kIndices, .highest = kMostIndices};
    case Limit::kShmmax:
    case Limit::kShmall:
      // Once Linux passed over a negative number without a word.
      return {.low = 0, .high = INT64_MAX, .lowest = INT64_MIN};
    case Limit::kShmRmidForced:
      return {0, 1};
    case Limit::kSemNextId:
    case Limit::kMsgNextId:
    case Limit::kShmNextId:
      return {0, INT_MAX};
    case Limit::kMqQueuesMax:
      return {.low = 0, .high = INT_MAX, .lowest = INT_MIN};
    case Limit::kMqMsgMax:
    case Limit::kMqMsgDefault:
      return {1, 65536};  // HARD_MSGMAX, since Linux 3.5
    case Limit::kMqMsgsizeMax:
    case Limit::kMqMsgsizeDefault:
      return {128, 16 << 20};  // HARD_MSGSIZEMAX
  }
  return {0, 0};
}

// The identifier that the call, making an object, would use up.
std::optional<Limit> NextIdOf(const Call& call) {
  if (std::holds_alternative<Semget>(call)) return Limit::kSemNextId;
  if (std::holds_alternative<Msgget>(call)) return Limit::kMsgNextId;
  if (std::holds_alternative<Shmget>(call)) return Limit::kShmNextId;
  return std::nullopt;
}

}  // namespace

Errors CheckNewIpcNamespace(Machine& m) {
  Errors errors;
  errors.If(!m.caller.Can(Capability::kSysAdmin), EPERM);
  for (const int none : {ENOSPC, ENOMEM, EINVAL}) errors.If(m.choice.SawError(none), none);
  return errors;
}

int NewIpcNamespace(World& world) {
  return world.namespaces.Mutable().Add(IpcNamespace(*world.dialect));
}

void DropUnusedNamespaces(World& world) {
  if (world.namespaces->size() == 1) return;
  std::vector<int> unused;
  for (const auto& [number, ipc] : *world.namespaces) {
    bool used = false;
    for (const auto& [name, task] : *world.tasks) {
      used |= task->alive() && task->ipc == number;
    }
    for (const auto& [name, description] : *world.descriptions) used |= description->ipc == number;
    if (!used) unused.push_back(number);
  }
  for (const int number : unused) world.namespaces.Mutable().Erase(number);
}

void LeaveUndoList(World& world, int task, const Caller& caller) {
  for (const auto& [number, other] : *world.tasks) {
    if (number != task && other->alive() && other->undo_list == caller.undo_list) return;
  }
  world.MutableIpcOf(task).sems.Mutable().OnLastExit(caller.undo_list, caller);
}

void MayForgetNextId(const Call& call, const Result& result, IpcLimits& limits, Choice& choice) {
  if (!result.done() || result.outcome.ok()) return;
  const std::optional<Limit> next_id = NextIdOf(call);
  if (!next_id.has_value() || limits.Get(*next_id) < 0) return;
  if (choice.Hidden(2) == 1) limits.Set(*next_id, -1);
}

Result Step(Machine& m, const UnshareIpc&) {
  const Errors errors = CheckNewIpcNamespace(m);
  if (errors.any()) return m.choice.FailWithAny(errors);
  // unshare(2): it goes without the list of adjustments, which are of sets that it leaves behind.
  LeaveUndoList(m.world, m.task, m.caller);
  ForgetCreator(m.world, m.task, false);
  m.mutable_self().undo_list = m.label;
  m.mutable_self().ipc = NewIpcNamespace(m.world);
  DropUnusedNamespaces(m.world);
  return Done(0);
}

Result Step(Machine& m, const SetLimit& call) {
  for (const int refusal : {EACCES, EPERM, EROFS, ENOENT}) {
    if (m.choice.SawError(refusal)) return Fail(refusal);
  }
  if (m.caller.creds.uid != 0) return Fail(EACCES);
  const Range range = RangeOf(call.limit);
  if (call.value < range.low || call.value > range.high) {
    const bool perhaps = range.lowest <= call.value && call.value <= range.highest;
    if (!perhaps || !m.choice.SawSuccess()) return Fail(EINVAL);
    if (call.value < 0 && range.high == INT64_MAX) return Done(0);
  }
  m.caller.limits->Set(call.limit, call.value);
  m.caller.limits->set_at = std::max(m.caller.limits->set_at, m.caller.latest);
  if (call.limit == Limit::kShmRmidForced && call.value == 1) {
    m.world.MutableIpcOf(m.task).shms.Mutable().OnRmidForced();
  }
  return Done(0);
}

Result Step(Machine& m, const GetLimit& call) {
  for (const int refusal : {EACCES, EPERM, ENOENT}) {
    if (m.choice.SawError(refusal)) return Fail(refusal);
  }
  // Of numbers that mean "no limit" it matters to nobody which it is.
  constexpr int64_t kNoLimit = int64_t{1} << 62;
  const int64_t value = m.caller.limits->Get(call.limit);
  if (value >= kNoLimit) return Done(m.choice.Number(kNoLimit, INT64_MAX, value));
  return Done(m.choice.Number(value, value, value));
}

Result Step(Machine& m, const ListIpc& call) {
  for (const int refusal : {EACCES, EPERM, ENOENT}) {
    if (m.choice.SawError(refusal)) return Fail(refusal);
  }
  IpcNamespace& ipc = m.world.MutableIpcOf(m.task);
  switch (call.kind) {
    case IpcKind::kSem:
      return ipc.sems.Mutable().List(m.choice);
    case IpcKind::kShm:
      return ListSegments(m);
    case IpcKind::kMsg:
      return ipc.msgs.Mutable().List(m.choice);
  }
  return Fail(ENOENT);
}

Result Step(Machine& m, const DropCapability& call) {
  if (m.choice.SawError(EPERM)) return Fail(EPERM);
  m.mutable_self().creds.dropped |= 1u << static_cast<int>(call.capability);
  return Done(0);
}

Result Step(Machine& m, const SetGroup& call) {
  if (m.caller.creds.uid != 0 || m.choice.SawError(EPERM)) return Fail(EPERM);
  m.mutable_self().creds.group = call.gid;
  return Done(0);
}

}  // namespace ipcspec
