#include "stress/life.h"

#include <malloc.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "impl/call/cat.h"
#include "impl/call/text.h"
#include "impl/monitor/judge.h"
#include "impl/oracle/excerpt.h"
#include "platforms/session.h"

namespace ipcspec {
namespace {

// An audit that repeats ends by itself; one that does not is a fault of the workload.
constexpr int kMostRepeats = 10'000;

// Labels of audits of long rounds: behind those of a race.
constexpr int kFirstOfAudit = 1'000'000;

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

// One long race and its audit; the monitors judge.
void LiveLong(System& system, const Session& session, Cast& cast, Dice& dice, Life& life) {
  life.history = session.history();
  std::vector<Event>& events = life.history.events;
  const size_t begin = events.size();
  life.history.race_begin = begin;
  life.status = system.Run(cast.Draw(dice), events);
  if (!life.status.ok()) return;
  Count(events, begin, life);
  ++life.races;
  int label = kFirstOfAudit;
  for (const Cast::Audit& audit : cast.audit()) {
    const auto call = std::make_shared<const Call>(audit.call);
    for (int i = 0; i < (audit.repeat ? kMostRepeats : 1); ++i) {
      life.status = system.Submit(0, ++label, call, events);
      if (life.status.ok()) life.status = system.Settle(events);
      if (!life.status.ok()) return;
      const auto returned = std::find_if(events.rbegin(), events.rend(), [](const Event& event) {
        return event.kind == Event::Kind::kReturn && event.task == 0;
      });
      if (!system.Idle(0) || !returned->outcome.ok() || returned->outcome.ret == 0) break;
    }
  }
  Judgement judgement = ipcspec::Judge(life.history, begin);
  life.verdict = judgement.verdict;
  life.story = std::move(judgement.story);
  life.counterexample = std::move(judgement.counterexample);
  life.blame = judgement.blame;
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
  cast->Bind([&session](ArgKind, int label, int index) { return session.ValueOf(label, index); });
  if (workload.long_rounds && !session.ended()) {
    LiveLong(system, session, *cast, dice, life);
    return life;
  }
  const size_t begin = session.history().events.size();
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
  life.history.race_begin = begin;
  if (life.verdict == Verdict::kForbidden) {
    life.blame = session.oracle().blame();
    life.counterexample = ExcerptOf(life.history, &life.story, &life.blame);
  }
  return life;
}

void KeepFreedMemory() {
  constexpr int kMost = 256 << 20;
  mallopt(M_TRIM_THRESHOLD, kMost);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

}  // namespace ipcspec
