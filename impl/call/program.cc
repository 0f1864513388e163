// Programs: see the header.
#include "impl/call/program.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "impl/call/args.h"
#include "impl/call/cat.h"
#include "impl/call/cursor.h"
#include "impl/call/text.h"

namespace ipcspec {
namespace {

constexpr std::string_view kHeader = "ipcspec program 1";
constexpr int64_t kMaxLabel = std::numeric_limits<int>::max();

// The steps and the tasks that there are so far.
struct Known {
  std::set<int> steps;
  std::set<int> tasks = {0};

  void Add(const Step& step) {
    steps.insert(step.label);
    if (MakesTask(step.call)) tasks.insert(step.label);
  }
};

// Reads one step and checks it against those before.
bool ParseStep(Cursor& cursor, const Known& known, Step* step) {
  const size_t start = cursor.position();
  int64_t label = 0;
  if (!cursor.ParseIntegerIn(1, kMaxLabel, &label) || !cursor.Expect(':')) return false;
  step->label = static_cast<int>(label);
  if (known.steps.contains(step->label)) {
    return cursor.FailAt(start, Cat("there are two steps ", step->label));
  }
  const std::string_view task = cursor.PeekWord();
  const size_t task_start = cursor.position();
  if (!ParseTask(cursor, &step->task)) return false;
  if (!known.tasks.contains(step->task)) {
    return cursor.FailAt(task_start, Cat("no earlier step makes the task ", task));
  }
  cursor.PeekWord();  // goes to the call
  const size_t call_start = cursor.position();
  if (!ParseCall(cursor, &step->call)) return false;
  int unknown = 0;
  ForEachArg(std::as_const(step->call), [&](const auto& arg) {
    if (arg.is_reference() && !known.steps.contains(arg.label)) unknown = arg.label;
  });
  return unknown == 0 ||
         cursor.FailAt(call_start, Cat("@", unknown, " refers to a step that is not before this"));
}

}  // namespace

std::string ToText(const Program& program) {
  std::string out = Cat(kHeader, "\n");
  for (const Step& step : program.steps) {
    Append(&out, step.label, ": t", step.task, " ", ToText(step.call), "\n");
  }
  return out;
}

absl::StatusOr<Program> ParseProgram(std::string_view text) {
  Cursor cursor(text);
  Program program;
  Known known;
  if (!cursor.ExpectHeader(kHeader)) return cursor.status();
  while (cursor.NextLine()) {
    Step& step = program.steps.emplace_back();
    if (!ParseStep(cursor, known, &step) || !cursor.EndLine()) return cursor.status();
    known.Add(step);
  }
  return program;
}

bool MakesTask(const Call& call) {
  return std::holds_alternative<Fork>(call) || std::holds_alternative<Clone>(call);
}

Call Resolve(const Call& call,
             absl::FunctionRef<std::optional<int64_t>(ArgKind kind, int label, int index)> value,
             bool* ok) {
  Call resolved = call;
  *ok = true;
  ForEachArg(resolved, [&]<ArgKind K>(Arg<K>& arg) {
    if (!arg.is_reference()) return;
    if (const std::optional<int64_t> number = value(K, arg.label, arg.index)) {
      arg = *number;
    } else {
      *ok = false;
    }
  });
  return resolved;
}

std::vector<int> References(const Call& call) {
  std::vector<int> labels;
  ForEachArg(call, [&]<ArgKind K>(const Arg<K>& arg) {
    if (arg.is_reference()) {
      labels.push_back(arg.label);
    } else if (K == ArgKind::kTask && 0 < arg.value && arg.value <= kMaxLabel) {
      labels.push_back(static_cast<int>(arg.value));
    }
  });
  return labels;
}

Program WithoutUnusable(Program program) {
  Known known;
  std::erase_if(program.steps, [&](const Step& step) {
    const std::vector<int> references = References(step.call);
    const bool usable = known.tasks.contains(step.task) &&
                        std::all_of(references.begin(), references.end(),
                                    [&](int label) { return known.steps.contains(label); });
    if (usable) known.Add(step);
    return !usable;
  });
  return program;
}

}  // namespace ipcspec
