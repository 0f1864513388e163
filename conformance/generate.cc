#include "conformance/generate.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#include <algorithm>
#include <bit>
#include <csignal>
#include <utility>

#include "platforms/reference_system.h"
#include "platforms/session.h"

namespace ipcspec {
namespace {

constexpr size_t kMaxTasks = 6;  // alive at once

// What the outcome of a call hands out to later ones.
void Record(const Step& step, const Outcome& outcome, std::vector<Scene::Produced>& produced) {
  const auto add = [&](ArgKind kind, int64_t value, int index) {
    produced.push_back(
        {.kind = kind, .value = value, .label = step.label, .index = index, .task = step.task});
  };
  if (!outcome.ok()) return;
  if (std::holds_alternative<MakePipe>(step.call)) {
    add(ArgKind::kFd, outcome.values[0], 0);
    add(ArgKind::kFd, outcome.values[1], 1);
    return;
  }
  if (const std::optional<ArgKind> kind = KindGiven(step.call); kind.has_value()) {
    add(*kind, outcome.ret, -1);
  }
}

size_t CountAlive(const World& world) {
  return static_cast<size_t>(
      std::count_if(world.tasks->begin(), world.tasks->end(),
                    [](const auto& entry) { return entry.second->alive(); }));
}

}  // namespace

Fd Scene::DescriptorWhere(absl::FunctionRef<bool(const Description&)> wanted) {
  std::vector<int64_t> fitting, open;
  const std::vector<Descriptor>& descriptors = self().descriptors;
  for (int64_t fd = 3; fd < static_cast<int64_t>(descriptors.size()); ++fd) {
    const Description* description = world.FindDescription(task, fd);
    if (description == nullptr) continue;
    open.push_back(fd);
    if (wanted(*description)) fitting.push_back(fd);
  }
  if (open.empty() || dice.Percent(2)) return Fd(dice.Below(12) + 3);
  const std::vector<int64_t>& from = fitting.empty() || dice.Percent(4) ? open : fitting;
  const int64_t fd = from[dice.Below(static_cast<int64_t>(from.size()))];
  // By what made it, so that the program keeps its meaning when steps are taken out.
  for (auto p = produced_.rbegin(); p != produced_.rend(); ++p) {
    if (p->kind == ArgKind::kFd && p->value == fd) return Fd::Of(p->label, p->index);
  }
  return Fd(fd);
}

const Scene::Produced* Scene::Pick(ArgKind kind) {
  std::vector<const Produced*> of;
  for (const Produced& p : produced_) {
    if (p.kind == kind) of.push_back(&p);
  }
  if (of.empty() || dice.Percent(1)) return nullptr;
  const size_t recent = dice.Percent(80) ? std::min<size_t>(of.size(), 2) : of.size();
  return of[of.size() - 1 - dice.Below(static_cast<int64_t>(recent))];
}

TaskArg Scene::AnyTask() {
  std::vector<int> tasks;
  for (const auto& [number, other] : *world.tasks) {
    if (number != 0 && (other->alive() || dice.Percent(20))) tasks.push_back(number);
  }
  if (tasks.empty()) return TaskArg(0);
  return TaskArg(tasks[dice.Below(static_cast<int64_t>(tasks.size()))]);
}

Signal Scene::AnySignal() { return dice.Of({SIGPIPE, SIGUSR1, SIGUSR2, SIGTERM}); }

std::optional<Call> AnyProcessCall(Scene& scene) {
  Dice& dice = scene.dice;
  switch (dice.Below(12)) {
    case 0:
    case 1:
    case 2:
      if (CountAlive(scene.world) >= kMaxTasks) return std::nullopt;
      if (dice.Percent(80)) return Fork{};
      return Clone{.flags = dice.Percent(80) ? CLONE_SYSVSEM : 0};
    case 3:
      if (scene.task == 0) return std::nullopt;
      return Exit{.status = dice.Below(3)};
    case 4:
    case 5: {
      const TaskArg target = scene.AnyTask();
      if (target.value == 0) return std::nullopt;
      Signal signal = dice.Percent(30) ? Signal(SIGKILL) : scene.AnySignal();
      // One that the task handles may end the call that it is in.
      const uint64_t handled = scene.world.GetTask(static_cast<int>(target.value)).signals.handled;
      if (handled != 0 && dice.Percent(60)) signal = std::countr_zero(handled) + 1;
      return Kill{.target = target, .signal = signal};
    }
    case 6: {
      const TaskArg target = scene.AnyTask();
      if (target.value == 0) return std::nullopt;
      return Wait{.target = target, .options = dice.Percent(70) ? WNOHANG : 0};
    }
    case 7:
    case 8:
      return Sigaction{.signal = scene.AnySignal(),
                       .disposition = dice.Of({Disposition::kDefault, Disposition::kIgnore,
                                               Disposition::kHandle, Disposition::kHandleRestart,
                                               Disposition::kHandle, Disposition::kHandleRestart})};
    case 9:
      return Sigprocmask{.how = dice.Percent(50) ? MaskChange::kBlock : MaskChange::kUnblock,
                         .signal = scene.AnySignal()};
    case 10:
      return Sigpending{};
    default:
      if (dice.Percent(50)) return std::nullopt;
      return Exec{};
  }
}

std::optional<Call> AnyDescriptorCall(Scene& scene) {
  Dice& dice = scene.dice;
  const Fd fd = scene.DescriptorWhere([](const Description&) { return true; });
  switch (dice.Below(9)) {
    case 0:
      return Dup{.fd = fd};
    case 1:
      return Dup2{.fd = fd, .to = Fd(dice.Percent(2) ? -1 : 3 + dice.Below(9))};
    case 2:
    case 3:
      return Close{.fd = fd};
    case 4:
      return SetFdFlags{.fd = fd, .flags = dice.Percent(50) ? FD_CLOEXEC : 0};
    case 5:
      return dice.Percent(50) ? Call(GetFdFlags{.fd = fd}) : Call(Fstat{.fd = fd});
    case 6:
      return GetStatusFlags{.fd = fd};
    case 7:
      return SetStatusFlags{.fd = fd, .flags = dice.Percent(60) ? O_NONBLOCK : 0};
    default:
      if (dice.Percent(70)) return std::nullopt;
      return LimitDescriptors{.count = 4 + dice.Below(8)};
  }
}

Program Generate(const Dialect& dialect, uint64_t seed, int steps,
                 const std::vector<WeightedMaker>& makers) {
  Dice dice(seed);
  ReferenceSystem reference(dialect);
  Session session(reference);
  std::vector<Scene::Produced> produced;
  int total = 0;
  for (const WeightedMaker& m : makers) total += m.weight;

  for (int tries = 0; tries < 3 * steps; ++tries) {
    if (static_cast<int>(session.program().steps.size()) >= steps || session.ended()) break;
    const World& world = reference.world();
    std::vector<int> idle, timed;
    for (const auto& [number, task] : *world.tasks) {
      if (reference.Idle(number)) idle.push_back(number);
      if (task->alive() && task->in_call() && TimeoutOf(*task->current.call).ns >= 0)
        timed.push_back(number);
    }
    Step step{.label = tries + 1, .task = 0, .call = Await{}};
    if (!timed.empty() && (idle.empty() || dice.Percent(15))) {
      step.task = timed[dice.Below(static_cast<int64_t>(timed.size()))];
    } else {
      if (idle.empty()) break;  // all asleep: the oracle has judged that; nothing more can happen
      step.task = idle[dice.Below(static_cast<int64_t>(idle.size()))];
      Scene scene(dice, world, step.task, produced);
      int64_t pick = dice.Below(total);
      std::optional<Call> call;
      for (const WeightedMaker& m : makers) {
        if ((pick -= m.weight) < 0) {
          call = m.make(scene);
          break;
        }
      }
      if (!call.has_value()) continue;
      step.call = *std::move(call);
    }
    session.Run(step);
    if (const Outcome* outcome = session.OutcomeOf(step.label)) Record(step, *outcome, produced);
  }
  return session.program();
}

}  // namespace ipcspec
