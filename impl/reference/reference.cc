#include "impl/reference/reference.h"

#include <utility>
#include <vector>

#include "impl/call/check.h"
#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// Whether the task, seen asleep, still sleeps for sure: a signal may have ended that by now, even
// one whose handler, or whose victim's end, has not shown yet.
bool SurelyWaits(const Task& task) {
  return task.current.asleep && !task.current.interrupted && !task.current.may_be_interrupted &&
         !task.current.disturbed && task.signals.Deliverable() == 0;
}

// The calls that tasks other than `task` are in, some of which may have taken effect.
std::vector<Waiting> OthersWaiting(const World& world, int task) {
  std::vector<Waiting> waiting;
  const int ipc = world.GetTask(task).ipc;
  for (const auto& [number, other] : *world.tasks) {
    if (number != task && other->alive() && other->current.call != nullptr) {
      waiting.push_back({.task = number,
                         .call = other->current.call.get(),
                         .done = other->current.done,
                         .surely = SurelyWaits(*other),
                         .beside = other->ipc == ipc});
    }
  }
  return waiting;
}

// Whether the calls of this type belong to this mechanism.
template <class Mechanism, class C>
concept Describes = requires(Mechanism m, const C& call, const Caller& caller, Choice& choice) {
  m.Step(call, caller, choice);
};

// A call goes to the mechanism that it belongs to, or to the whole (machine.h).
template <class C>
Result StepOf(Machine& m, const C& call) {
  const auto ipc = [&m]() -> IpcNamespace& { return m.world.MutableIpcOf(m.task); };
  if constexpr (Describes<SysvSem, C>) {
    return ipc().sems.Mutable().Step(call, m.caller, m.choice);
  } else if constexpr (Describes<SysvMsg, C>) {
    return ipc().msgs.Mutable().Step(call, m.caller, m.choice);
  } else if constexpr (Describes<SysvShm, C>) {
    return ipc().shms.Mutable().Step(call, m.caller, m.choice);
  } else {
    return Step(m, call);
  }
}

}  // namespace

IpcNamespace::IpcNamespace(const Dialect& dialect)
    : limits{.values = dialect.limits},
      sems(SysvSem(dialect)),
      msgs(SysvMsg(dialect)),
      shms(SysvShm(dialect)),
      queues(PosixMq(dialect)) {}

World::World(const Dialect* dialect) : dialect(dialect) {
  namespaces.Mutable().Add(IpcNamespace(*dialect));
  spaces.Mutable().Add(AddressSpace());
  const int null =
      descriptions.Mutable().Add({.kind = Description::Kind::kNull, .flags = 2, .descriptors = 3});
  Task first;
  first.max_descriptors = dialect->max_descriptors;
  first.max_queue_bytes = dialect->max_queue_bytes;
  first.descriptors = {{null, false}, {null, false}, {null, false}};
  tasks.Mutable().Insert(0, std::move(first));
}

void Begin(World& world, int task, int label, std::shared_ptr<const Call> call, int64_t time_ns) {
  Task& self = world.MutableTask(task);
  IPCSPEC_CHECK(self.alive() && self.current.call == nullptr, "the task cannot make a call now");
  self.current = {.call = std::move(call),
                  .label = label,
                  .invoked = time_ns,
                  .disturbed = std::exchange(self.disturbed, false)};
}

Result Offer(World& world, int task, int64_t now_ns, Choice& choice) {
  // Held here: the step may change the task, and so move it.
  const Task& self = world.GetTask(task);
  IPCSPEC_CHECK(self.in_call(), "the task is in no call");
  const std::shared_ptr<const Call> call = self.current.call;
  Progress progress = self.current.progress;
  auto waiting = [&world, task] { return OthersWaiting(world, task); };
  const IpcLimits before = world.IpcOf(task).limits;
  IpcLimits limits = before;
  const Caller caller{.dialect = world.dialect,
                      .task = task,
                      .process = task,
                      .creds = self.creds,
                      .undo_list = self.undo_list,
                      .progress = &progress,
                      .limits = &limits,
                      .interrupted = self.current.interrupted,
                      .may_be_interrupted = self.current.may_be_interrupted,
                      .disturbed = self.current.disturbed,
                      .asleep = self.current.asleep,
                      .earliest = self.current.invoked,
                      .latest = now_ns,
                      .invoked = self.current.invoked,
                      .waiting = waiting};
  Machine machine{.world = world,
                  .task = task,
                  .label = self.current.label,
                  .caller = caller,
                  .choice = choice};
  Result result = std::visit([&](const auto& c) { return StepOf(machine, c); }, *call);
  MayForgetNextId(*call, result, limits, choice);
  if (result.kind == Result::kAsleep) return result;
  // Making an object uses up an identifier that was asked for (proc(5), sem_next_id).
  if (limits != before) world.MutableIpcOf(task).limits = limits;
  Task& changed = world.MutableTask(task);
  if (!changed.alive()) return result;  // the call was exit
  changed.current.progress = progress;
  if (result.done()) changed.current.done = true;
  if (result.raises != 0) changed.signals.Raise(result.raises);
  return result;
}

void Finish(World& world, int task) {
  Task& self = world.MutableTask(task);
  IPCSPEC_CHECK(self.current.done, "the call is not done");
  self.current = {};
}

}  // namespace ipcspec
