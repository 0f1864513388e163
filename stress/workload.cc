#include "stress/workload.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "impl/call/args.h"
#include "impl/call/bytes.h"
#include "impl/call/cat.h"
#include "impl/call/text.h"

namespace ipcspec {
namespace {

constexpr int kFirstMember = 50;  // labels of forks
constexpr int kFirstOfRaces = 1000;
constexpr int kOwn = 98, kAny = 99;  // what stands for outcomes of the race

// The bytes that the call sends, if it sends any.
Bytes* Sends(Call& call) {
  return std::visit(
      [](auto& c) -> Bytes* {
        if constexpr (requires { c.data.text; }) {
          return c.data.text.empty() ? nullptr : &c.data;
        } else {
          return nullptr;
        }
      },
      call);
}

absl::StatusOr<Call> ReadCall(const Workload& workload, const std::string& text) {
  absl::StatusOr<Call> call = ParseCall(text);
  if (call.ok()) return call;
  return absl::InvalidArgumentError(
      Cat("workload ", workload.id(), ", \"", text, "\": ", std::string(call.status().message())));
}

}  // namespace

absl::StatusOr<Cast> Cast::Read(const Workload& workload) {
  Cast cast;
  absl::StatusOr<Program> setup = ParseProgram(Cat("ipcspec program 1\n", workload.setup));
  if (!setup.ok()) {
    return absl::InvalidArgumentError(
        Cat("workload ", workload.id(), ", setup: ", std::string(setup.status().message())));
  }
  cast.setup_ = std::move(setup->steps);
  for (const Role& role : workload.roles) {
    Part part = {.tasks = role.tasks, .calls = role.calls, .in_order = role.in_order};
    for (const std::string& text : role.begin) {
      absl::StatusOr<Call> call = ReadCall(workload, text);
      if (!call.ok()) return call.status();
      part.begin.push_back(*std::move(call));
    }
    for (const Act& act : role.acts) {
      absl::StatusOr<Call> call = ReadCall(workload, act.call);
      if (!call.ok()) return call.status();
      part.weight += act.weight;
      part.acts.push_back({act.weight, std::make_shared<const Call>(*std::move(call))});
    }
    for (int i = 0; i < role.tasks; ++i) {
      cast.members_.push_back({.task = kFirstMember + static_cast<int>(cast.members_.size()),
                               .part = cast.parts_.size()});
    }
    cast.parts_.push_back(std::move(part));
  }
  for (const std::string& text : workload.audit) {
    const bool repeat = text.starts_with('*');
    absl::StatusOr<Call> call = ReadCall(workload, text.substr(repeat ? 1 : 0));
    if (!call.ok()) return call.status();
    cast.audit_.push_back({*std::move(call), repeat});
  }
  cast.next_label_ = kFirstOfRaces;
  cast.anywhere_ = workload.anywhere;
  // A long round meets enough by itself.
  if (workload.long_rounds) cast.rests_ = {.until_yield = 990, .until_spin = 998};
  return cast;
}

std::vector<Step> Cast::Setup(Dice& dice) {
  std::vector<Step> steps = setup_;
  int label = kFirstMember + static_cast<int>(members_.size());
  // All on one processor, or half on each of two, or wherever the scheduler wants. Which of two it
  // is changes, so that runs side by side do not meet there.
  const int64_t where = anywhere_ ? 2 : dice.Below(3), one = dice.Below(2);
  for (size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    if (where < 2) member.cpu = static_cast<int>(where == 0 ? one : static_cast<int64_t>(i % 2));
    steps.push_back({.label = member.task, .task = 0, .call = Fork{}});
    for (const Call& call : parts_[member.part].begin) {
      steps.push_back({.label = label++, .task = member.task, .call = call});
    }
  }
  return steps;
}

void Cast::Bind(
    absl::FunctionRef<std::optional<int64_t>(ArgKind kind, int label, int index)> value) {
  bool resolved = true;
  for (Part& part : parts_) {
    for (Line& line : part.acts) {
      Call call = Resolve(*line.call, value, &resolved);
      line.varies = Sends(call) != nullptr;
      ForEachArg(call, [&line]<ArgKind K>(const Arg<K>& arg) {
        line.varies |= arg.is_reference() || K == ArgKind::kTask;
      });
      line.call = std::make_shared<const Call>(std::move(call));
    }
  }
  for (Audit& audit : audit_) audit.call = Resolve(audit.call, value, &resolved);
}

void Cast::Fill(Call& call, Member& member, Dice& dice) {
  ForEachArg(call, [&]<ArgKind K>(Arg<K>& arg) {
    if (K == ArgKind::kTask && !arg.is_reference()) {
      std::vector<int> there;
      for (const Member& other : members_) {
        if (static_cast<int64_t>(other.part) == arg.value) there.push_back(other.task);
      }
      if (!there.empty()) arg = there[dice.Below(static_cast<int64_t>(there.size()))];
    } else if (arg.label == kOwn) {
      const auto own = own_.find({member.task, K});
      arg = own == own_.end() ? Arg<K>(-1) : Arg<K>::Of(own->second, arg.index);
    } else if (arg.label == kAny) {
      const std::vector<int>& given = given_[K];
      if (given.empty()) {
        arg = Arg<K>(-1);
      } else {
        arg = Arg<K>::Of(given[dice.Below(static_cast<int64_t>(given.size()))], arg.index);
      }
    }
  });
  if (Bytes* data = Sends(call); data != nullptr) {
    const auto size = static_cast<int64_t>(data->text.size());
    const char tag = static_cast<char>('A' + (member.task - kFirstMember) % 26);
    data->text = Pattern(tag, member.sent, size);
    member.sent += (size + 7) / 8 * 8;  // each begins with a word of its own
  }
}

// What a task of the part does at this turn; null: nothing.
const Cast::Line* Cast::Choose(const Part& part, int turn, Dice& dice) const {
  if (part.in_order) {
    const auto at = static_cast<size_t>(turn);
    return at < part.acts.size() ? &part.acts[at] : nullptr;
  }
  if (turn >= part.calls) return nullptr;
  int64_t at = dice.Below(part.weight);
  const Line* line = part.acts.data();
  while ((at -= line->weight) >= 0) ++line;
  return line;
}

Race Cast::Draw(Dice& dice) {
  Race race;
  race.seed = dice.Next();
  own_.clear(), given_.clear();
  // Call by call over all tasks, so that what one names may have been made by another.
  int most = 0;
  for (Member& member : members_) {
    const Part& part = parts_[member.part];
    const int turns = part.in_order ? static_cast<int>(part.acts.size()) : part.calls;
    race.scripts.push_back({.task = member.task, .cpu = member.cpu});
    race.scripts.back().steps.reserve(static_cast<size_t>(turns));
    most = std::max(most, turns);
  }
  for (int turn = 0; turn < most; ++turn) {
    for (size_t i = 0; i < members_.size(); ++i) {
      Member& member = members_[i];
      const Line* line = Choose(parts_[member.part], turn, dice);
      if (line == nullptr) continue;
      const int64_t roll = dice.Below(1000);
      const int64_t pause_ns = roll < rests_.until_yield  ? 0
                               : roll < rests_.until_spin ? -1
                                                          : dice.Below(20'000);
      const int label = next_label_++;
      std::shared_ptr<const Call> call = line->call;
      if (line->varies) {
        auto filled = std::make_shared<Call>(*line->call);
        Fill(*filled, member, dice);
        call = std::move(filled);
      }
      if (const std::optional<ArgKind> kind = KindGiven(*call); kind.has_value()) {
        own_[{member.task, *kind}] = label;
        given_[*kind].push_back(label);
      }
      race.scripts[i].steps.push_back(
          {.label = label, .call = std::move(call), .pause_ns = pause_ns});
    }
  }
  return race;
}

}  // namespace ipcspec
