// Tasks, signals, credentials and limits: fork(2), clone(2), execve(2), _exit(2), kill(2),
// wait(2), sigaction(2), signal(7), credentials(7), getrlimit(2).
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "impl/reference/machine.h"
#include "impl/reference/reference.h"

namespace ipcspec {
namespace {

Result MakeTask(Machine& m, const CloneFlags& flags) {
  const int child = m.label;
  Task task = m.self();
  task.parent = m.task;
  task.current = {};
  task.notices.clear();
  task.signals.pending = 0;
  task.signals.origins.clear();  // fork(2): the child's set starts empty
  task.signals.handled_last = 0;
  task.signals.handled_origin = {};
  if (!flags.has(CLONE_SYSVSEM))
    task.undo_list = child;  // fork(2): semadj values are not inherited
  for (const Descriptor& d : task.descriptors) {
    if (d.description >= 0) ++m.world.descriptions.Mutable().Mutable(d.description).descriptors;
  }
  if (flags.has(CLONE_NEWIPC)) task.ipc = NewIpcNamespace(m.world);
  m.world.tasks.Mutable().Insert(child, std::move(task));
  InheritMemory(m.world, m.task, child, flags.has(CLONE_VM), m.caller);
  return Done(child);
}

std::vector<Waiting> Nobody() { return {}; }

// The task as it ends.
Caller Dying(const World& world, int task, int64_t now_ns) {
  return {.dialect = world.dialect,
          .task = task,
          .process = task,
          .creds = world.GetTask(task).creds,
          .undo_list = world.GetTask(task).undo_list,
          .earliest = now_ns,
          .latest = now_ns,
          .invoked = now_ns,
          .waiting = Nobody};
}

}  // namespace

Result Step(Machine& m, const Fork&) { return MakeTask(m, 0); }

Result Step(Machine& m, const Clone& call) {
  if (call.flags.has(CLONE_NEWIPC)) {
    Errors errors = CheckNewIpcNamespace(m);
    // Adjustments of sets that it cannot reach would be of no use to the child.
    errors.If(call.flags.has(CLONE_SYSVSEM), EINVAL);
    if (errors.any()) {
      SegmentsCopiedInVain(m.world, m.task, m.caller);
      return m.choice.FailWithAny(errors);
    }
  }
  return MakeTask(m, call.flags);
}

Result Step(Machine& m, const Exec&) {
  const Task& self = m.self();
  for (int64_t fd = 0; fd < static_cast<int64_t>(self.descriptors.size()); ++fd) {
    if (self.descriptors[fd].description >= 0 && self.descriptors[fd].close_on_exec) {
      CloseDescriptor(m.world, m.task, fd, &m.choice);
    }
  }
  ForgetNotices(m.world, m.task);
  // Handled signals go back to their default; ignored ones stay ignored; mask and pending signals
  // stay, and so do semaphore adjustments (execve(2), semop(2)).
  Signals& signals = m.mutable_self().signals;
  signals.handled = signals.restarting = 0;
  signals.handled_last = 0;
  signals.handled_origin = {};
  DropMemory(m.world, m.task, m.caller, true);
  return Done(0);
}

Result Step(Machine& m, const Exit& call) {
  Die(m.world, m.task, W_EXITCODE(static_cast<int>(call.status & 0xff), 0), m.caller.latest);
  return Done(0);
}

namespace {

// A stopped task may have done what it is in, or do it later: what it waits for is looked at again.
void Stop(World& world, int task) {
  Task& self = world.MutableTask(task);
  self.stopped = true;
  self.current.asleep = false;
  (self.in_call() ? self.current.disturbed : self.disturbed) = true;
  if (!self.in_call()) return;
  if (const Open* open = std::get_if<Open>(self.current.call.get())) {
    AbandonOpen(world, *open, Progress(self.current.progress));
    self.current.progress = {};
  }
}

}  // namespace

Result Step(Machine& m, const Kill& call) {
  const int target = static_cast<int>(call.target.value);
  const int signal = call.signal.number;
  const Task* task = m.world.FindTask(target);
  Errors errors;
  errors.If(signal < 0 || signal > 64, EINVAL);
  errors.If(task == nullptr || task->life == Task::Life::kReaped, ESRCH);
  errors.If(task != nullptr && m.caller.creds.uid != 0 && m.caller.creds.uid != task->creds.uid,
            EPERM);
  if (errors.any()) return m.choice.FailWithAny(errors);
  // Whoever takes care of orphans may have waited for this one already.
  if (!task->alive() && task->parent < 0 && m.choice.SawError(ESRCH)) return Fail(ESRCH);
  if (signal == SIGSTOP && task->alive()) {
    Stop(m.world, target);
  } else if (signal != 0 && task->alive()) {
    if (signal == SIGCONT) m.world.MutableTask(target).stopped = false;
    m.world.MutableTask(target).signals.Raise(
        signal, {.known = true, .code = SI_USER, .sender = m.task, .uid = m.caller.creds.uid});
  }
  return Done(0);
}

Result Step(Machine& m, const Wait& call) {
  const int child = static_cast<int>(call.target.value);
  const Task* task = m.world.FindTask(child);
  if (task == nullptr || task->parent != m.task || task->life == Task::Life::kReaped) {
    return Fail(ECHILD);
  }
  if (task->alive()) {
    return call.options.has(WNOHANG) ? Done(0) : SleepOrInterrupted(m.caller);
  }
  Outcome outcome = Returns(child);
  outcome.values = {task->status};
  m.world.MutableTask(child).life = Task::Life::kReaped;
  return Done(std::move(outcome));
}

Result Step(Machine& m, const Sigaction& call) {
  const int signal = call.signal.number;
  if (signal < 1 || signal > 64 || signal == SIGKILL || signal == SIGSTOP) return Fail(EINVAL);
  const uint64_t bit = Signals::Bit(signal);
  Signals& signals = m.mutable_self().signals;
  signals.ignored &= ~bit, signals.handled &= ~bit, signals.restarting &= ~bit;
  if (call.disposition == Disposition::kIgnore) signals.ignored |= bit;
  const bool restarts = call.disposition == Disposition::kHandleRestart;
  if (restarts) signals.restarting |= bit;
  if (restarts || call.disposition == Disposition::kHandle) signals.handled |= bit;
  // Ignoring a signal discards it if it is pending, blocked or not (POSIX.1-2024 2.4.3).
  if (signals.Ignores(signal)) signals.Discard(signal);
  return Done(0);
}

Result Step(Machine& m, const Sigprocmask& call) {
  const int signal = call.signal.number;
  if (signal < 1 || signal > 64) return Fail(EINVAL);
  const uint64_t bit = Signals::Bit(signal);
  Signals& signals = m.mutable_self().signals;
  if (call.how == MaskChange::kBlock) {
    if (signal != SIGKILL && signal != SIGSTOP) signals.blocked |= bit;
  } else {
    signals.blocked &= ~bit;
    // One that came while it was blocked and ignored is ignored now.
    if (signals.Ignores(signal)) signals.Discard(signal);
  }
  return Done(0);
}

Result Step(Machine& m, const Sigpending&) {
  Outcome outcome = Returns(0);
  const Signals& signals = m.self().signals;
  for (int signal = 1; signal <= 64; ++signal) {
    if ((signals.pending & signals.blocked & Signals::Bit(signal)) != 0) {
      outcome.values.push_back(signal);
    }
  }
  return Done(std::move(outcome));
}

Result Step(Machine& m, const SetCredentials& call) {
  if (m.caller.creds.uid != 0) return Fail(EPERM);
  m.mutable_self().creds = {.uid = call.uid,
                            .gid = call.gid,
                            .group = m.caller.creds.group,
                            .dropped = m.caller.creds.dropped};
  return Done(0);
}

Result Step(Machine& m, const LimitDescriptors& call) {
  if (call.count < 0) return Fail(EPERM);  // as a number without sign above every hard limit
  m.mutable_self().max_descriptors = call.count;
  return Done(0);
}

Result Step(Machine& m, const Umask& call) {
  const int64_t before = m.self().umask;
  m.mutable_self().umask = call.mask.bits & 0777;
  return Done(before);
}

Result Step(Machine& m, const SignalInfo&) {
  const Signals& signals = m.self().signals;
  const SignalOrigin& origin = signals.handled_origin;
  Outcome outcome = Returns(0);
  outcome.values = {signals.handled_last, origin.code, origin.sender, origin.uid, origin.value};
  // Of other signals than those that say where they are from, only the number is promised.
  if (!origin.known && m.choice.SawValues(outcome.values.size()) &&
      m.choice.seen()->values[0] == signals.handled_last) {
    return Done(*m.choice.seen());
  }
  return Done(std::move(outcome));
}

Result Step(Machine&, const Await&) { return Done(0); }

Delivery Deliver(World& world, int task, int signal, int64_t now_ns) {
  const uint64_t bit = Signals::Bit(signal);
  const Signals& signals = world.GetTask(task).signals;
  if (signal == SIGKILL || (signals.handled & bit) == 0) {
    Die(world, task, W_EXITCODE(0, signal), now_ns);
    return Delivery::kDies;
  }
  Task& self = world.MutableTask(task);
  self.signals.handled_last = signal;
  self.signals.handled_origin = self.signals.origins[signal];
  self.signals.Discard(signal);
  if (self.in_call()) {
    // signal(7): a restarted call goes on as if nothing had happened, unless a part of a transfer
    // is done: then it returns how much.
    const bool restarts = (self.signals.restarting & bit) != 0 && IsRestartable(*self.current.call);
    if (!restarts || self.current.progress.amount > 0) self.current.interrupted = true;
    if (restarts && RestartIsUncertain(*self.current.call)) self.current.may_be_interrupted = true;
    if (const Open* open = std::get_if<Open>(self.current.call.get());
        open != nullptr && restarts) {
      // It begins anew: its path may lead elsewhere by now.
      AbandonOpen(world, *open, Progress(self.current.progress));
      self.current.progress = {};
    }
  }
  return Delivery::kHandlerRuns;
}

void DieInPart(const World& world, int task, int64_t now_ns, absl::FunctionRef<void(World)> visit) {
  const Caller caller = Dying(world, task, now_ns);
  const auto after = [&](World next) {
    Current& current = next.MutableTask(task).current;
    if (current.call == nullptr || !std::holds_alternative<Exit>(*current.call)) {
      current.done = true;
    }
    visit(std::move(next));
  };
  for (int n = 0; !SharesUndoList(world, task); ++n) {
    World next = world;
    if (!next.MutableIpcOf(task).sems.Mutable().UndoAhead(caller.undo_list, n, caller)) break;
    after(std::move(next));
  }
  const int64_t count = static_cast<int64_t>(world.GetTask(task).descriptors.size());
  for (int64_t fd = 0; fd < count; ++fd) {
    const Description* description = world.FindDescription(task, fd);
    if (description == nullptr || description->kind == Description::Kind::kNull) continue;
    World next = world;
    CloseDescriptor(next, task, fd);
    after(std::move(next));
    break;  // in their order, as Linux does
  }
}

void Die(World& world, int task, int status, int64_t now_ns) {
  {
    Task& self = world.MutableTask(task);
    self.life = Task::Life::kZombie;
    self.status = status;
    self.signals.pending = 0;
    self.signals.origins.clear();
  }
  const Caller caller = Dying(world, task, now_ns);
  if (const Current& current = world.GetTask(task).current; current.call != nullptr) {
    if (const Open* open = std::get_if<Open>(current.call.get())) {
      AbandonOpen(world, *open, Progress(current.progress));
    }
    world.MutableTask(task).current = {};
  }
  LeaveUndoList(world, task, caller);
  const int64_t count = static_cast<int64_t>(world.GetTask(task).descriptors.size());
  for (int64_t fd = 0; fd < count; ++fd) {
    if (world.GetTask(task).Description(fd) >= 0) CloseDescriptor(world, task, fd);
  }
  world.MutableTask(task).notices.clear();
  DropMemory(world, task, caller, false);
  ForgetCreator(world, task, true);
  DropUnusedNamespaces(world);
  // Its own children have no parent among us any more; its parent, if any, gets SIGCHLD, and need
  // not wait if it said so by ignoring that signal (wait(2)).
  std::vector<int> children;
  for (const auto& [number, other] : *world.tasks) {
    if (other->parent == task) children.push_back(number);
  }
  for (int child : children) world.MutableTask(child).parent = -1;
  const int parent = world.GetTask(task).parent;
  const Task* mother = world.FindTask(parent);
  if (mother != nullptr) {
    if ((mother->signals.ignored & Signals::Bit(SIGCHLD)) != 0) {
      world.MutableTask(task).life = Task::Life::kReaped;
    }
    world.MutableTask(parent).signals.Raise(SIGCHLD);
  }
}

}  // namespace ipcspec
