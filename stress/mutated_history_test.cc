// Histories of lives, spoiled at random: whatever the text holds, it is refused with a place, or it
// has a verdict, and can be drawn. Nothing crashes. Under --gtest_repeat each round spoils anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "impl/call/dice.h"
#include "impl/call/history.h"
#include "impl/monitor/explain.h"
#include "impl/oracle/lanes.h"
#include "platforms/reference_system.h"
#include "platforms/session.h"
#include "stress/life.h"
#include "stress/workload.h"

namespace ipcspec {
namespace {

constexpr int kRound = 150;

std::vector<std::string> LinesOf(const std::string& text) { return absl::StrSplit(text, '\n'); }

size_t Below(Dice& dice, size_t n) {
  return static_cast<size_t>(dice.Below(static_cast<int64_t>(n)));
}

// One thing that a damaged disk does to a text.
std::string Damage(std::string text, Dice& dice) {
  std::vector<std::string> lines = LinesOf(text);
  const size_t a = Below(dice, lines.size()), b = Below(dice, lines.size());
  switch (dice.Below(6)) {
    case 0:
      text[Below(dice, text.size())] ^= static_cast<char>(1 << dice.Below(8));
      return text;
    case 1:
      return text.substr(0, Below(dice, text.size()));
    case 2:
      std::swap(lines[a], lines[b]);
      break;
    case 3:
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(a));
      break;
    case 4:
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(a), lines[b]);
      break;
    case 5:
      lines[a] = lines[a].substr(0, Below(dice, lines[a].size() + 1));
      break;
  }
  return absl::StrJoin(lines, "\n");
}

// One thing that is most often well formed, and wrong.
std::string Falsify(std::string text, Dice& dice) {
  if (dice.Below(3) == 0) {  // another number
    static constexpr const char* kDigits = "0123456789";
    const size_t at = text.find_first_of(kDigits, Below(dice, text.size()));
    if (at == text.npos) return text;
    const size_t end = std::min(text.find_first_not_of(kDigits, at), text.size());
    static constexpr const char* kNumbers[] = {
        "0", "1", "7", "-1", "600", "2147483647", "4294967296", "9223372036854775807"};
    return text.replace(at, end - at, kNumbers[dice.Below(8)]);
  }
  std::vector<std::string> lines = LinesOf(text);
  const size_t a = Below(dice, lines.size());
  const bool whole = dice.Below(2) == 0;
  const size_t b = whole ? std::min(a + 1, lines.size() - 1) : Below(dice, lines.size());
  // Behind the time, or the last word.
  const size_t in_a = whole ? lines[a].find(' ') : lines[a].rfind(' ');
  const size_t in_b = whole ? lines[b].find(' ') : lines[b].rfind(' ');
  if (a == b || in_a == std::string::npos || in_b == std::string::npos) return text;
  const std::string end_of_a = lines[a].substr(in_a), end_of_b = lines[b].substr(in_b);
  lines[a] = lines[a].substr(0, in_a) + end_of_b;
  lines[b] = lines[b].substr(0, in_b) + end_of_a;
  return absl::StrJoin(lines, "\n");
}

std::string Spoil(std::string text, Dice& dice) {
  const bool damage = dice.Below(4) == 0;
  for (int64_t times = 1 + dice.Below(2); times > 0 && !text.empty(); --times) {
    text = damage ? Damage(std::move(text), dice) : Falsify(std::move(text), dice);
  }
  return text;
}

TEST(MutatedHistory, IsRefusedOrHasAVerdict) {
  static uint64_t seed = 0;
  ReferenceSystem system{Dialect()};
  int refused = 0, verdicts[3] = {};
  for (int i = 0; i < kRound; ++i) {
    Dice dice(++seed);
    const Workload& workload = AllWorkloads()[static_cast<size_t>(
        dice.Below(static_cast<int64_t>(AllWorkloads().size())))];
    const Life life = Live(system, workload, dice.Next());
    const std::string text = Spoil(ToText(life.history), dice);
    const absl::StatusOr<History> history = ParseHistory(text);
    if (!history.ok()) {
      ++refused;
      EXPECT_EQ(history.status().message().substr(0, 5), "line ") << history.status();
      continue;
    }
    const Explanation explanation = ExplainAny(*history);
    ++verdicts[static_cast<int>(explanation.verdict)];
    if (explanation.verdict != Verdict::kAllowed) {
      EXPECT_NE(explanation.story, "");
    }
    if (explanation.verdict == Verdict::kForbidden) {
      EXPECT_LT(explanation.blame.event, explanation.counterexample.events.size());
      DrawLanes(explanation.counterexample, 80, explanation.blame);
      LanesPage(explanation.counterexample, "t", explanation.story, explanation.blame);
    }
  }
  // Each of these is met.
  EXPECT_GT(refused, kRound / 10);
  EXPECT_GT(verdicts[static_cast<int>(Verdict::kAllowed)], kRound / 20);
  EXPECT_GT(verdicts[static_cast<int>(Verdict::kForbidden)], kRound / 20);
}

TEST(MutatedProgram, IsRefusedOrRuns) {
  static uint64_t seed = 0;
  ReferenceSystem system{Dialect()};
  int refused = 0, ran = 0;
  for (int i = 0; i < kRound; ++i) {
    Dice dice(++seed);
    const Workload& workload = AllWorkloads()[static_cast<size_t>(
        dice.Below(static_cast<int64_t>(AllWorkloads().size())))];
    const std::string text = Spoil("ipcspec program 1\n" + workload.setup, dice);
    const absl::StatusOr<Program> program = ParseProgram(text);
    if (!program.ok()) {
      ++refused;
      EXPECT_EQ(program.status().message().substr(0, 5), "line ") << program.status();
      continue;
    }
    ++ran;
    const ProgramRun run = RunProgram(system, *program);
    EXPECT_EQ(run.verdict, Verdict::kAllowed) << text << "\n" << run.story;
  }
  EXPECT_GT(refused, kRound / 10);
  EXPECT_GT(ran, kRound / 10);
}

}  // namespace
}  // namespace ipcspec
