#include "conformance/shrink.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <type_traits>
#include <utility>

namespace ipcspec {
namespace {

// Every simpler value of a field, told by calling `found` while the field has it.
template <class F, class Found>
void SimplerField(F& field, Found found) {
  const F before = field;
  const auto offer = [&](F value) {
    if (value == before) return;
    field = std::move(value);
    found();
    field = before;
  };
  if constexpr (std::is_same_v<F, int64_t>) {
    if (before > 1) offer(1), offer(before / 2);
    if (before < 0) offer(-1);
  } else if constexpr (std::is_same_v<F, Bytes>) {
    const size_t n = before.text.size();
    if (n > 1) offer(Bytes(before.text.substr(0, 1)));
    if (n > 4096) offer(Bytes(before.text.substr(0, 4096)));
    if (n > 1) offer(Bytes(before.text.substr(0, n / 2)));
  } else if constexpr (requires { before.bits; }) {
    if (before.bits != 0) offer(F(0));
  } else if constexpr (std::is_same_v<F, Disposition>) {
    if (before == Disposition::kHandleRestart) offer(Disposition::kHandle);
  } else if constexpr (requires { typename F::value_type; } && !std::is_same_v<F, std::string>) {
    for (size_t i = 0; i < before.size() && before.size() > 1; ++i) {
      F shorter = before;
      shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
      offer(std::move(shorter));
    }
    for (size_t i = 0; i < before.size(); ++i) {
      using E = typename F::value_type;
      if constexpr (requires(E e) { E::Fields(e, [](const char*, auto&) {}); }) {
        E::Fields(field[i], [&](const char*, auto& part) { SimplerField(part, found); });
      } else {
        SimplerField(field[i], found);
      }
    }
  }
}

}  // namespace

std::vector<Program> SimplerPrograms(const Program& program) {
  std::vector<Program> simpler;
  const size_t n = program.steps.size();
  const auto without = [&](size_t begin, size_t end) {
    Program shorter;
    for (size_t i = 0; i < n; ++i) {
      if (i < begin || i >= end) shorter.steps.push_back(program.steps[i]);
    }
    simpler.push_back(WithoutUnusable(std::move(shorter)));
  };
  for (size_t run = n / 2; run >= 1; run /= 2) {
    for (size_t end = n; end > 0; end -= std::min(end, run)) {
      without(end > run ? end - run : 0, end);
    }
  }
  // By the first task, what others did: all that one did at once, then call by call.
  std::set<int> tasks;
  for (const Step& step : program.steps) tasks.insert(step.task);
  tasks.erase(0);
  for (int task : tasks) {
    Program moved = program;
    for (Step& step : moved.steps) step.task = step.task == task ? 0 : step.task;
    simpler.push_back(std::move(moved));
  }
  for (size_t i = 0; i < n; ++i) {
    if (program.steps[i].task == 0) continue;
    simpler.push_back(program);
    simpler.back().steps[i].task = 0;
  }
  for (size_t i = 0; i < n; ++i) {
    Program changed = program;
    std::visit(
        [&]<class C>(C& call) {
          C::Fields(call, [&](const char*, auto& field) {
            SimplerField(field, [&] { simpler.push_back(changed); });
          });
        },
        changed.steps[i].call);
  }
  return simpler;
}

}  // namespace ipcspec
