// ToProgram: which of the numbers in a history came out of earlier calls of it.
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "impl/call/args.h"
#include "impl/call/history.h"

namespace ipcspec {
namespace {

// What a number came out of: step `label`, its return value (-1) or values[index].
struct Source {
  int label = 0;
  int index = -1;
};
using Sources = std::map<int64_t, Source>;

template <class C, class... Kinds>
inline constexpr bool kIsOneOf = (std::is_same_v<C, Kinds> || ...);

class Tracer {
 public:
  // The call that `event` makes, with references.
  Call WithReferences(const Event& event) {
    Call call = *event.call;
    const Sources& descriptors = tasks_[event.task].descriptors;
    ForEachArg(call, [&]<ArgKind K>(Arg<K>& arg) {
      if constexpr (K == ArgKind::kFd) Refer(descriptors, &arg);
      if constexpr (K == ArgKind::kSemId) Refer(sem_ids_, &arg);
      if constexpr (K == ArgKind::kKey) Refer(keys_, &arg);
    });
    return call;
  }

  void Called(const Event& event) {
    Task& caller = tasks_[event.task];
    caller.call = event.call.get();
    caller.label = event.label;
    if (MakesTask(*event.call)) tasks_[event.label].descriptors = caller.descriptors;
  }

  void Returned(const Event& event) {
    Task& task = tasks_[event.task];
    if (task.call == nullptr || !event.outcome.ok()) return;
    const Outcome& outcome = event.outcome;
    std::visit(
        [&]<class C>(const C&) {
          if constexpr (kIsOneOf<C, Open, Dup, Dup2>) {
            task.descriptors[outcome.ret] = {task.label};
          } else if constexpr (kIsOneOf<C, MakePipe>) {
            for (int i = 0; i < static_cast<int>(outcome.values.size()); ++i) {
              task.descriptors[outcome.values[i]] = {task.label, i};
            }
          } else if constexpr (kIsOneOf<C, Semget, SemStatIndex>) {
            sem_ids_[outcome.ret] = {task.label};
          } else if constexpr (kIsOneOf<C, Ftok>) {
            keys_[outcome.ret] = {task.label};
          }
        },
        *task.call);
  }

 private:
  struct Task {
    Sources descriptors;
    const Call* call = nullptr;  // the last one it made
    int label = 0;
  };

  template <class A>
  static void Refer(const Sources& sources, A* arg) {
    if (const auto source = sources.find(arg->value); source != sources.end()) {
      *arg = A::Of(source->second.label, source->second.index);
    }
  }

  std::map<int, Task> tasks_;
  Sources sem_ids_;
  Sources keys_;
};

}  // namespace

Program ToProgram(const History& history) {
  Program program;
  Tracer tracer;
  for (const Event& event : history.events) {
    if (event.kind == Event::Kind::kCall) {
      program.steps.push_back(
          {.label = event.label, .task = event.task, .call = tracer.WithReferences(event)});
      tracer.Called(event);
    } else if (event.kind == Event::Kind::kReturn) {
      tracer.Returned(event);
    }
  }
  return program;
}

}  // namespace ipcspec
