#include "stress/life.h"

#include <algorithm>
#include <utility>

#include "impl/call/cat.h"
#include "impl/call/text.h"
#include "platforms/session.h"

namespace ipcspec {
namespace {

// An audit that repeats ends by itself; one that does not is a fault of the workload.
constexpr int kMostRepeats = 10'000;

void Audit(Session& session, const Cast& cast) {
  for (const Cast::Audit& audit : cast.audit()) {
    for (int i = 0; i < (audit.repeat ? kMostRepeats : 1) && !session.ended(); ++i) {
      const int label = session.Run(0, audit.call);
      const Outcome* outcome = label == 0 ? nullptr : session.OutcomeOf(label);
      if (outcome == nullptr || !outcome->ok() || outcome->ret == 0) break;
    }
  }
}

// What the events since `from` tell.
void Count(const std::vector<Event>& events, size_t from, Life& life) {
  for (size_t i = from; i < events.size(); ++i) {
    life.calls += events[i].kind == Event::Kind::kCall;
    life.deaths += events[i].kind == Event::Kind::kExit;
  }
}

}  // namespace

Life Live(System& system, const Workload& workload, uint64_t seed) {
  Life life;
  absl::StatusOr<Cast> cast = Cast::Read(workload);
  if (!cast.ok()) {
    life.status = cast.status();
    return life;
  }
  Dice dice(seed);
  Session session(system);
  for (const Step& step : cast->Setup(dice)) {
    if (session.ended()) break;
    session.Run(step);
    const Outcome* outcome = session.OutcomeOf(step.label);
    if (!session.ended() && (outcome == nullptr || !outcome->ok())) {
      life.status = absl::FailedPreconditionError(
          Cat("workload ", workload.id(), " cannot be set up: ", ToText(step.call), " gave ",
              outcome == nullptr ? "nothing" : ToText(*outcome)));
      return life;
    }
  }
  for (int i = 0; i < workload.races && !session.ended(); ++i) {
    const size_t before = session.history().events.size();
    Race race = cast->Draw(dice);
    const std::vector<Script> scripts = race.scripts;
    session.Run(std::move(race));
    Count(session.history().events, before, life);
    ++life.races;
    if (session.ended()) break;
    Audit(session, *cast);
    if (!std::all_of(scripts.begin(), scripts.end(),
                     [&](const Script& script) { return system.Idle(script.task); })) {
      break;
    }
  }
  life.verdict = session.verdict();
  life.status = session.status();
  life.story = session.story();
  life.history = session.history();
  return life;
}

}  // namespace ipcspec
