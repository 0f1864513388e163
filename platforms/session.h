// Session: a system and the oracle in lock step.
//
// Each step is one call by one task; then everything settles, and the oracle judges what happened.
// The first step that is not explained (or that the harness cannot carry out) ends the session:
// later ones do nothing. Everything that was done can be had as a history, and as a program that
// does it again.
#ifndef IPCSPEC_PLATFORMS_SESSION_H_
#define IPCSPEC_PLATFORMS_SESSION_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "impl/call/program.h"
#include "impl/oracle/oracle.h"
#include "platforms/system.h"

namespace ipcspec {

class Session {
 public:
  // Starts afresh on the system, which must outlive the session.
  explicit Session(System& system);

  // Carries out one step. A step whose task is busy or gone, or whose arguments name an outcome
  // that there is not, is passed over: false.
  bool Run(const Step& step);
  // The same with a label of the session's own, which it returns; 0 if it was passed over.
  int Run(int task, Call call);

  // Tasks race (race.h), and the oracle judges what came of it. Arguments that name outcomes of
  // earlier steps are resolved first. False if the session has ended.
  bool Run(Race race);

  // What the step returned; null while it has not.
  const Outcome* OutcomeOf(int label) const;
  // The number that a reference to it means; none while there is none.
  std::optional<int64_t> ValueOf(int label, int index) const;
  // Whether the step's call was made and has not returned, its task being alive.
  bool IsAsleep(int label) const;

  bool ended() const { return verdict_ != Verdict::kAllowed || !status_.ok(); }
  Verdict verdict() const { return verdict_; }
  const std::string& story() const { return oracle_->story(); }
  // Trouble of the harness.
  const absl::Status& status() const { return status_; }
  const History& history() const { return oracle_->history(); }
  // The steps that were carried out.
  const Program& program() const { return program_; }
  const Oracle& oracle() const { return *oracle_; }
  System& system() { return system_; }

 private:
  void Judge(std::vector<Event> batch);
  // The race with references to earlier steps resolved.
  Race Resolved(Race race) const;

  System& system_;
  std::unique_ptr<Oracle> oracle_;
  Program program_;
  struct InCall {
    int label;
    bool timed;
  };
  std::map<int, InCall> pending_;  // by task: the step that it is in
  std::map<int, Outcome> outcomes_;
  int next_label_ = 1;
  Verdict verdict_ = Verdict::kAllowed;
  absl::Status status_;
};

// Runs a whole program.
struct ProgramRun {
  Verdict verdict = Verdict::kAllowed;
  absl::Status status;
  std::string story;
  History history;
  int steps_done = 0;
};
ProgramRun RunProgram(System& system, const Program& program);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_SESSION_H_
