// What IPC objects have in common: namespaces (ipc_namespaces(7)), limits (proc_sys_kernel(5),
// mq_overview(7)), lists (proc_sysvipc(5)); and the privileges that count for them
// (capabilities(7)).
#include <array>
#include <climits>
#include <initializer_list>
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

// By Limit.
constexpr std::array<Range, kLimits> kRanges = {{
    {.low = 0, .high = INT_MAX},                            // msgmax
    {.low = 0, .high = INT_MAX},                            // msgmnb
    {.low = 0, .high = kIndices, .highest = kMostIndices},  // msgmni
    {.low = 0, .high = INT64_MAX, .lowest = INT64_MIN},     // shmmax
    {.low = 0, .high = INT64_MAX, .lowest = INT64_MIN},     // shmall
    {.low = 0, .high = kIndices, .highest = kMostIndices},  // shmmni
    {.low = 0, .high = 1},                                  // shm_rmid_forced
    {.low = 0, .high = INT_MAX},                            // sem_next_id
    {.low = 0, .high = INT_MAX},                            // msg_next_id
    {.low = 0, .high = INT_MAX},                            // shm_next_id
    {.low = 0, .high = INT_MAX, .lowest = INT_MIN},         // queues_max
    {.low = 1, .high = 65536},                              // msg_max: HARD_MSGMAX
    {.low = 128, .high = 16 << 20},                         // msgsize_max: HARD_MSGSIZEMAX
    {.low = 1, .high = 65536},                              // msg_default
    {.low = 128, .high = 16 << 20},                         // msgsize_default
}};

// Whether one of the errors was seen: the file may not be there, or not be for the caller.
bool SawAny(const Choice& choice, std::initializer_list<int> errors) {
  return std::any_of(errors.begin(), errors.end(), [&](int e) { return choice.SawError(e); });
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

bool SharesUndoList(const World& world, int task) {
  const int list = world.GetTask(task).undo_list;
  for (const auto& [number, other] : *world.tasks) {
    if (number != task && other->alive() && other->undo_list == list) return true;
  }
  return false;
}

void LeaveUndoList(World& world, int task, const Caller& caller) {
  if (SharesUndoList(world, task)) return;
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
  if (SawAny(m.choice, {EACCES, EPERM, EROFS, ENOENT})) return Done(*m.choice.seen());
  if (m.caller.creds.uid != 0) return Fail(EACCES);
  const Range range = kRanges[static_cast<size_t>(call.limit)];
  if (call.value < range.low || call.value > range.high) {
    const bool perhaps = range.lowest <= call.value && call.value <= range.highest;
    if (!perhaps || !m.choice.SawSuccess()) return Fail(EINVAL);
    // Older Linux passes over a negative number of bytes or pages without a word.
    if (call.value < 0 && range.high == INT64_MAX) return Done(0);
  }
  m.caller.limits->Set(call.limit, call.value);
  if (call.limit == Limit::kShmRmidForced && call.value == 1) {
    m.world.MutableIpcOf(m.task).shms.Mutable().OnRmidForced();
  }
  return Done(0);
}

Result Step(Machine& m, const GetLimit& call) {
  if (SawAny(m.choice, {EACCES, EPERM, ENOENT})) return Done(*m.choice.seen());
  // Of numbers that mean "no limit" it matters to nobody which it is.
  constexpr int64_t kNoLimit = int64_t{1} << 62;
  const int64_t value = m.caller.limits->Get(call.limit);
  if (value >= kNoLimit) return Done(m.choice.Number(kNoLimit, INT64_MAX, value));
  return Done(m.choice.Number(value, value, value));
}

Result Step(Machine& m, const ListIpc& call) {
  if (SawAny(m.choice, {EACCES, EPERM, ENOENT})) return Done(*m.choice.seen());
  if (call.kind == IpcKind::kShm) return ListSegments(m);
  IpcNamespace& ipc = m.world.MutableIpcOf(m.task);
  return call.kind == IpcKind::kSem ? ipc.sems.Mutable().List(m.choice)
                                    : ipc.msgs.Mutable().List(m.choice);
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
