#include "platforms/reference_system.h"

#include <bit>
#include <utility>

#include "impl/call/cat.h"
#include "impl/reference/reference.h"

namespace ipcspec {
namespace {

constexpr int64_t kTick = 1000;  // ns between two events

// When the call that the task is in times out; -1 when it does not.
int64_t Deadline(const Task& task) {
  if (!task.in_call()) return -1;
  const Nanos timeout = TimeoutOf(*task.current.call);
  return timeout.ns == Nanos::kForever ? -1 : task.current.invoked + timeout.ns;
}

}  // namespace

absl::Status ReferenceSystem::Reset() {
  world_ = World(&dialect_);
  now_ = 0;
  return absl::OkStatus();
}

void ReferenceSystem::Emit(std::vector<Event>& events, Event event) {
  now_ += kTick;
  event.time_ns = now_;
  events.push_back(std::move(event));
}

void ReferenceSystem::EmitExit(int task, std::vector<Event>& events) {
  Emit(events, {.kind = Event::Kind::kExit, .task = task, .number = world_.GetTask(task).status});
}

absl::Status ReferenceSystem::Submit(int task, int label, std::shared_ptr<const Call> call,
                                     std::vector<Event>& events) {
  if (!Idle(task)) return absl::FailedPreconditionError(Cat("t", task, " is in a call"));
  Emit(events, {.kind = Event::Kind::kCall, .task = task, .label = label, .call = call});
  Begin(world_, task, label, std::move(call), now_);
  return absl::OkStatus();
}

// Delivers the signals that are due; false when the task died of one.
bool ReferenceSystem::DeliverAll(int task, std::vector<Event>& events) {
  while (const uint64_t due = world_.GetTask(task).signals.Deliverable()) {
    const int signal = std::countr_zero(due) + 1;
    if (Deliver(world_, task, signal, now_) == Delivery::kDies) {
      EmitExit(task, events);
      return false;
    }
    Emit(events, {.kind = Event::Kind::kSignal, .task = task, .number = signal});
  }
  return true;
}

bool ReferenceSystem::Happen(std::vector<Event>& events) {
  std::vector<int> tasks;
  for (const auto& [number, task] : *world_.tasks) {
    if (task->alive()) tasks.push_back(number);
  }
  for (int task : tasks) {
    if (world_.GetTask(task).IsHeld()) continue;
    if (world_.GetTask(task).in_call()) {
      World next = world_;
      Choice usual(Choice::Mode::kUsual);
      const Result result = Offer(next, task, now_, usual);
      if (result.kind != Result::kAsleep) {
        world_ = std::move(next);
        if (!world_.GetTask(task).alive()) {
          EmitExit(task, events);
        } else if (result.done() && DeliverAll(task, events)) {
          // The handlers of signals that the call raised ran before it returns.
          Emit(events, {.kind = Event::Kind::kReturn, .task = task, .outcome = result.outcome});
          Finish(world_, task);
        }
        return true;
      }
    }
    if (world_.GetTask(task).signals.Deliverable() != 0) {
      DeliverAll(task, events);
      return true;
    }
  }
  return false;
}

absl::Status ReferenceSystem::Settle(std::vector<Event>& events) {
  while (Happen(events)) {
  }
  for (const auto& [number, task] : *world_.tasks) {
    if (task->alive() && task->in_call() && !task->current.asleep && !task->stopped) {
      world_.MutableTask(number).current.asleep = true;
    }
  }
  Emit(events, {.kind = Event::Kind::kQuiet});
  return absl::OkStatus();
}

absl::Status ReferenceSystem::AwaitReturn(int task, absl::Duration deadline,
                                          std::vector<Event>& events) {
  const int64_t over = Deadline(world_.GetTask(task));
  if (over < 0 || over > now_ + absl::ToInt64Nanoseconds(deadline)) {
    return absl::DeadlineExceededError(Cat("t", task, " has nothing to wait for"));
  }
  now_ = std::max(now_, over);
  return Settle(events);
}

bool ReferenceSystem::Idle(int task) const {
  const Task* t = world_.FindTask(task);
  return t != nullptr && t->alive() && t->current.call == nullptr;
}

bool ReferenceSystem::Alive(int task) const {
  const Task* t = world_.FindTask(task);
  return t != nullptr && t->alive();
}

}  // namespace ipcspec
