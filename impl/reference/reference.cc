#include "impl/reference/reference.h"

#include <utility>
#include <vector>

#include "impl/call/check.h"
#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// The calls that tasks other than `task` are in.
std::vector<Waiting> OthersWaiting(const World& world, int task) {
  std::vector<Waiting> waiting;
  for (const auto& [number, other] : *world.tasks) {
    if (number != task && other->alive() && other->in_call()) {
      waiting.push_back(
          {.task = number, .call = other->current.call.get(), .surely = other->current.asleep});
    }
  }
  return waiting;
}

// A call goes to the mechanism that it belongs to, or to the whole (machine.h).
template <class C>
Result StepOf(Machine& m, const C& call) {
  if constexpr (requires(SysvSem sems) { sems.Step(call, m.caller, m.choice); }) {
    return m.world.sems.Mutable().Step(call, m.caller, m.choice);
  } else {
    return Step(m, call);
  }
}

}  // namespace

World::World(const Dialect* dialect) : dialect(dialect), sems(SysvSem(*dialect)) {
  const int null =
      descriptions.Mutable().Add({.kind = Description::Kind::kNull, .flags = 2, .descriptors = 3});
  Task first;
  first.max_descriptors = dialect->max_descriptors;
  first.descriptors = {{null, false}, {null, false}, {null, false}};
  tasks.Mutable().Insert(0, std::move(first));
}

void Begin(World& world, int task, int label, std::shared_ptr<const Call> call, int64_t time_ns) {
  Task& self = world.MutableTask(task);
  IPCSPEC_CHECK(self.alive() && self.current.call == nullptr, "the task cannot make a call now");
  self.current = {.call = std::move(call), .label = label, .invoked = time_ns};
}

Result Offer(World& world, int task, int64_t now_ns, Choice& choice) {
  // Held here: the step may change the task, and so move it.
  const Task& self = world.GetTask(task);
  IPCSPEC_CHECK(self.in_call(), "the task is in no call");
  const std::shared_ptr<const Call> call = self.current.call;
  Progress progress = self.current.progress;
  auto waiting = [&world, task] { return OthersWaiting(world, task); };
  const Caller caller{.dialect = world.dialect,
                      .task = task,
                      .process = task,
                      .creds = self.creds,
                      .undo_list = self.undo_list,
                      .progress = &progress,
                      .interrupted = self.current.interrupted,
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
  if (result.kind == Result::kAsleep && progress == world.GetTask(task).current.progress) {
    return result;
  }
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
