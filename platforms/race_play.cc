// How a round is carried out on a system.
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "platforms/race_rounds.h"

namespace ipcspec {
namespace {

// A system under the steps of a round.
class Player {
 public:
  explicit Player(System& system) : system_(system) {}

  absl::Status InLockStep(const std::vector<Step>& steps);
  absl::Status Race(const std::vector<Step>& steps, uint64_t seed);
  History Take() {
    history_.dialect = system_.dialect();
    return std::move(history_);
  }

 private:
  // With what the outcomes so far say.
  std::shared_ptr<const Call> Resolved(const Call& call, bool* whole) const;
  void LearnFrom(size_t begin);

  System& system_;
  History history_;
  std::vector<Event>& events_ = history_.events;
  std::map<int, int> in_step_;  // by task
  std::map<int, Outcome> outcomes_;
};

std::shared_ptr<const Call> Player::Resolved(const Call& call, bool* whole) const {
  const auto value = [this](ArgKind, int label, int index) -> std::optional<int64_t> {
    const auto found = outcomes_.find(label);
    if (found == outcomes_.end()) return std::nullopt;
    if (index < 0) return found->second.ret;
    if (static_cast<size_t>(index) >= found->second.values.size()) return std::nullopt;
    return found->second.values[index];
  };
  return std::make_shared<const Call>(Resolve(call, value, whole));
}

void Player::LearnFrom(size_t begin) {
  for (size_t i = begin; i < events_.size(); ++i) {
    const Event& e = events_[i];
    if (e.kind == Event::Kind::kCall) in_step_[e.task] = e.label;
    if (e.kind == Event::Kind::kReturn) outcomes_[in_step_[e.task]] = e.outcome;
  }
}

absl::Status Player::InLockStep(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    bool whole = true;
    const std::shared_ptr<const Call> call = Resolved(step.call, &whole);
    if (!whole || !system_.Idle(step.task)) continue;
    const size_t begin = events_.size();
    absl::Status status = system_.Submit(step.task, step.label, call, events_);
    if (status.ok()) status = system_.Settle(events_);
    if (!status.ok()) return status;
    LearnFrom(begin);
  }
  return absl::OkStatus();
}

absl::Status Player::Race(const std::vector<Step>& steps, uint64_t seed) {
  ipcspec::Race race{.seed = seed};
  std::map<int, size_t> scripts;
  for (const Step& step : steps) {
    if (!system_.Idle(step.task)) continue;
    const auto [script, added] = scripts.try_emplace(step.task, race.scripts.size());
    if (added) race.scripts.push_back({.task = step.task});
    bool whole = true;
    race.scripts[script->second].steps.push_back(
        {.label = step.label, .call = Resolved(step.call, &whole)});
  }
  const size_t begin = events_.size();
  history_.race_begin = begin;
  absl::Status status = system_.Run(race, events_);
  LearnFrom(begin);
  return status;
}

}  // namespace

absl::StatusOr<History> Play(System& system, const SmallRound& round) {
  Player player(system);
  absl::Status status = system.Reset();
  if (status.ok()) status = player.InLockStep(round.setup);
  if (status.ok()) status = player.Race(round.race, round.seed);
  if (status.ok()) status = player.InLockStep(round.audit);
  if (!status.ok()) return status;
  return player.Take();
}

}  // namespace ipcspec
