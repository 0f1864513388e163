// Random programs that mean something.
//
// A program is generated while the reference plays it: so the generator knows which tasks are
// idle, which descriptors they have, which semaphore sets there are, and makes calls about those,
// most of the time. Each mechanism brings its own calls (a Maker); what all need, forks, signals
// and deaths, is here.
#ifndef IPCSPEC_CONFORMANCE_GENERATE_H_
#define IPCSPEC_CONFORMANCE_GENERATE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "impl/call/dice.h"
#include "impl/call/program.h"
#include "impl/reference/world.h"

namespace ipcspec {

// What the next call can be about.
class Scene {
 public:
  struct Produced {  // a number that an earlier step handed out
    ArgKind kind;
    int64_t value;
    int label;
    int index;
    int task;
  };
  Scene(Dice& dice, const World& world, int task, const std::vector<Produced>& produced)
      : dice(dice), world(world), task(task), produced_(produced) {}

  Dice& dice;
  const World& world;
  const int task;  // the one that makes the call
  const Task& self() const { return world.GetTask(task); }

  // A descriptor of the task for which the predicate holds; else (and now and then) any number.
  Fd DescriptorWhere(absl::FunctionRef<bool(const Description&)> wanted);
  // Something of this kind that was made at some time, dead or alive, the newer the likelier; else
  // a number that never named one.
  template <class A>
  A Any() {
    const Produced* p = Pick(A::kKind);
    return p == nullptr ? A(dice.Below(2) - 1) : A::Of(p->label, p->index);
  }
  // A number that the task has, by what handed it out: on another system it may be another number.
  // None when several tasks were given it, and not this one: whose it is cannot be told.
  template <class A>
  std::optional<A> Named(int64_t value) {
    const Produced* by = nullptr;
    bool others = false;
    for (const Produced& p : produced_) {
      if (p.kind != A::kKind || p.value != value) continue;
      others |= by != nullptr && by->task != p.task;
      if (by == nullptr || by->task != task || p.task == task) by = &p;
    }
    if (by == nullptr || (others && by->task != task)) return std::nullopt;
    return A::Of(by->label, by->index);
  }
  TaskArg AnyTask();
  Signal AnySignal();

 private:
  const Produced* Pick(ArgKind kind);
  const std::vector<Produced>& produced_;
};

// Makes a call of one mechanism; none when the scene offers nothing.
using Maker = std::optional<Call> (*)(Scene&);
struct WeightedMaker {
  int weight;
  Maker make;
};

// fork, clone, exec, exit, kill, wait, signal dispositions and masks.
std::optional<Call> AnyProcessCall(Scene& scene);
// dup, close, fcntl, fstat, limits on descriptors.
std::optional<Call> AnyDescriptorCall(Scene& scene);

// A program of about `steps` steps. Await steps are put in where a timed call sleeps.
Program Generate(const Dialect& dialect, uint64_t seed, int steps,
                 const std::vector<WeightedMaker>& makers);

}  // namespace ipcspec

#endif  // IPCSPEC_CONFORMANCE_GENERATE_H_
