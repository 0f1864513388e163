#include "platforms/session.h"

#include <algorithm>
#include <climits>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace ipcspec {
namespace {

// How long an await step waits for a timed call. Being slow is no fault; hanging is.
constexpr absl::Duration kAwait = absl::Seconds(30);

}  // namespace

Session::Session(System& system) : system_(system) {
  status_ = system_.Reset();
  oracle_ = std::make_unique<Oracle>(system_.dialect());
}

int Session::Run(int task, Call call) {
  const int label = next_label_;
  return Run(Step{.label = label, .task = task, .call = std::move(call)}) ? label : 0;
}

bool Session::Run(const Step& step) {
  if (ended()) return false;
  // A program may have the largest label that there is.
  next_label_ = std::max(next_label_, std::min(step.label, INT_MAX - 1) + 1);
  std::vector<Event> events;
  if (std::holds_alternative<Await>(step.call)) {
    const auto waiting = pending_.find(step.task);
    if (waiting == pending_.end() || !waiting->second.timed) return false;
    program_.steps.push_back(step);
    status_ = system_.AwaitReturn(step.task, kAwait, events);
    if (absl::IsDeadlineExceeded(status_)) {
      // Not this step's fault: the call is not timed, or hangs; the stuck rule knows which.
      status_ = system_.Settle(events);
    }
    Judge(std::move(events));
    return true;
  }
  if (!system_.Alive(step.task) || !system_.Idle(step.task)) return false;
  bool resolved = true;
  Call call = Resolve(
      step.call, [this](ArgKind, int label, int index) { return ValueOf(label, index); },
      &resolved);
  if (!resolved) return false;
  program_.steps.push_back(step);
  status_ =
      system_.Submit(step.task, step.label, std::make_shared<const Call>(std::move(call)), events);
  if (status_.ok()) status_ = system_.Settle(events);
  Judge(std::move(events));
  return true;
}

void Session::Judge(std::vector<Event> batch) {
  if (!status_.ok()) return;
  verdict_ = oracle_->Explain(batch);
  if (verdict_ == Verdict::kForbidden && batch.back().guessed) {
    // That a task is blocked was only inferred: before it counts, give it much more time.
    std::vector<Event> more;
    status_ = system_.Patience(more);
    if (!status_.ok()) return;
    if (more.size() > 1) {
      batch.pop_back();
      batch.insert(batch.end(), more.begin(), more.end());
      verdict_ = oracle_->Explain(batch);
    }
  }
  for (const Event& event : batch) {
    if (event.kind == Event::Kind::kCall) {
      pending_[event.task] = {.label = event.label,
                              .timed = TimeoutOf(*event.call).ns != Nanos::kForever};
    } else if (event.kind == Event::Kind::kReturn) {
      outcomes_[pending_[event.task].label] = event.outcome;
      pending_.erase(event.task);
    } else if (event.kind == Event::Kind::kExit) {
      pending_.erase(event.task);
    }
  }
}

std::optional<int64_t> Session::ValueOf(int label, int index) const {
  const Outcome* outcome = OutcomeOf(label);
  if (outcome == nullptr || !outcome->ok()) return std::nullopt;
  if (index < 0) return outcome->ret;
  if (index >= static_cast<int>(outcome->values.size())) return std::nullopt;
  return outcome->values[index];
}

Race Session::Resolved(Race race) const {
  for (Script& script : race.scripts) {
    for (RaceStep& step : script.steps) {
      if (References(*step.call).empty()) continue;
      bool resolved = true;  // what is not is an outcome of the race
      step.call = std::make_shared<const Call>(Resolve(
          *step.call, [this](ArgKind, int label, int index) { return ValueOf(label, index); },
          &resolved));
    }
  }
  return race;
}

bool Session::Run(Race race) {
  if (ended()) return false;
  std::vector<Event> events;
  status_ = system_.Run(Resolved(std::move(race)), events);
  Judge(std::move(events));
  return true;
}

const Outcome* Session::OutcomeOf(int label) const {
  const auto it = outcomes_.find(label);
  return it == outcomes_.end() ? nullptr : &it->second;
}

bool Session::IsAsleep(int label) const {
  for (const auto& [task, pending] : pending_) {
    if (pending.label == label) return system_.Alive(task);
  }
  return false;
}

ProgramRun RunProgram(System& system, const Program& program) {
  Session session(system);
  ProgramRun run;
  for (const Step& step : program.steps) {
    if (session.ended()) break;
    run.steps_done += session.Run(step);
  }
  run.verdict = session.verdict();
  run.status = session.status();
  run.story = session.story();
  run.history = session.history();
  return run;
}

}  // namespace ipcspec
