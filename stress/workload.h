// Workload: a short description of what tasks do when they race: who does what, with which weights,
// sizes and limits.
//
//   {.mechanism = "sysv_msg",
//    .name = "OneTypeEach",
//    .about = "receivers of one type each, on a queue that is nearly full",
//    .setup = "1: t0 msgget(flags=0600)\n"
//             "2: t0 msg_set(id=@1, mode=0600, qbytes=64)\n",
//    .roles = {{.tasks = 2, .calls = 5, .acts = {{3, "msgsnd(id=@1, type=1, data=pattern(A, 0,
//    16))"},
//                                                {1, "msgsnd(id=@1, type=2, data=pattern(A, 0,
//                                                8))"}}},
//              {.tasks = 1, .calls = 5, .acts = {{1, "msgrcv(id=@1, size=64, type=1)"}}}},
//    .audit = {"*msgrcv(id=@1, size=64, flags=IPC_NOWAIT)"}}
//
// A *life* is a fresh start of the system: task 0 makes the objects (setup) and forks the tasks of
// the roles, then they race, several times over, with an audit by task 0 after each. The calls are
// drawn by weight from a seed, and are written as in a program (program.h), where
//   * @1, @2, ... name steps of the setup;
//   * @98 is what the task's own latest call of the race that gives such a thing will give, and @99
//     what some task's earlier one will (a stale or foreign identifier, as it happens);
//   * target=2 is some task of the third role;
//   * patterns are replaced: each task sends a stream of its own (bytes.h), so that all data tell
//     where they come from.
#ifndef IPCSPEC_STRESS_WORKLOAD_H_
#define IPCSPEC_STRESS_WORKLOAD_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "impl/call/dice.h"
#include "impl/call/program.h"
#include "platforms/race.h"

namespace ipcspec {

struct Act {
  int weight = 1;
  std::string call;
};

struct Role {
  int tasks = 1;
  int calls = 4;                   // of each task in a race
  std::vector<std::string> begin;  // what each does in lock step before the first race
  std::vector<Act> acts;
  bool in_order = false;  // the acts one after the other, rather than drawn
};

struct Workload {
  std::string mechanism;
  std::string name;
  std::string about;
  std::string setup;
  std::vector<Role> roles;
  std::vector<std::string> audit;  // one that begins with '*' is made until it fails
  int races = 8;                   // of one life
  bool long_rounds = false;        // one race, that the monitors judge (impl/monitor/judge.h)
  bool anywhere = false;           // else most lives bind their tasks to processors
  // Mechanisms that it needs beside its own.
  std::vector<std::string> also = {};
  std::string id() const { return mechanism + "." + name; }
};

// All of them; a test reads each once.
const std::vector<Workload>& AllWorkloads();

// A workload with its calls read, ready to draw races from.
class Cast {
 public:
  // InvalidArgument: a text that is no call, with the place.
  static absl::StatusOr<Cast> Read(const Workload& workload);

  // What comes first, and what follows each race. The first draws where tasks may run, too.
  std::vector<Step> Setup(Dice& dice);
  struct Audit {
    Call call;
    bool repeat;
  };
  const std::vector<Audit>& audit() const { return audit_; }

  // Steps of the setup that calls name give way to what `value` says they gave, where it knows.
  void Bind(absl::FunctionRef<std::optional<int64_t>(ArgKind kind, int label, int index)> value);

  // The next race of the life; labels and data go on where the last ended.
  Race Draw(Dice& dice);

 private:
  struct Line {
    int weight;
    std::shared_ptr<const Call> call;
    bool varies = true;  // from draw to draw
  };
  struct Part {
    int tasks, calls;
    bool in_order;
    std::vector<Call> begin;
    std::vector<Line> acts;
    int weight = 0;  // of all acts
  };
  struct Member {
    int task;  // the label of its fork
    size_t part;
    int64_t sent = 0;  // bytes of its stream
    int cpu = -1;
  };
  void Fill(Call& call, Member& member, Dice& dice);
  const Line* Choose(const Part& part, int turn, Dice& dice) const;

  std::vector<Step> setup_;
  std::vector<Part> parts_;
  std::vector<Audit> audit_;
  std::vector<Member> members_;
  int next_label_ = 0;
  bool anywhere_ = false;
  // Of a thousand calls so many come without a pause; up to the second number the task yields
  // before, and then it goes round in circles.
  struct Rests {
    int64_t until_yield = 600, until_spin = 800;
  };
  Rests rests_;
  // Labels of this race that give something, by kind: the task's own latest, and all.
  std::map<std::pair<int, ArgKind>, int> own_;
  std::map<ArgKind, std::vector<int>> given_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_STRESS_WORKLOAD_H_
