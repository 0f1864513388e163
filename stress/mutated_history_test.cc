// Histories of lives, spoiled at random: whatever the text holds, it is refused with a place, or it
// has a verdict, and can be drawn. Nothing crashes. Under --gtest_repeat each round spoils anew.
#include <gtest/gtest.h>

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

// One small thing that a damaged disk, or a hand, does to a text.
std::string Spoil(const std::string& text, Dice& dice) {
  const auto below = [&](size_t n) {
    return static_cast<size_t>(dice.Below(static_cast<int64_t>(n)));
  };
  std::string out = text;
  switch (dice.Below(8)) {
    case 0:
      out[below(out.size())] ^= static_cast<char>(1 << dice.Below(8));
      return out;
    case 1:
      out[below(out.size())] = static_cast<char>(dice.Below(256));
      return out;
    case 2:
      return out.substr(0, below(out.size()));
    case 3: {  // another number
      size_t at = below(out.size());
      while (at < out.size() && (out[at] < '0' || out[at] > '9')) ++at;
      size_t end = at;
      while (end < out.size() && out[end] >= '0' && out[end] <= '9') ++end;
      static constexpr const char* kNumbers[] = {
          "0", "1", "7", "-1", "600", "2147483647", "4294967296", "9223372036854775807"};
      return out.replace(at, end - at, kNumbers[dice.Below(8)]);
    }
  }
  std::vector<std::string> lines = LinesOf(text);
  const size_t a = below(lines.size()), b = below(lines.size());
  switch (dice.Below(5)) {
    case 0:
      std::swap(lines[a], lines[b]);
      break;
    case 1:
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(a));
      break;
    case 2:
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(a), lines[b]);
      break;
    case 3:
      lines[a] = lines[a].substr(0, below(lines[a].size() + 1));
      break;
    case 4: {  // the end of another line
      const size_t space = lines[a].rfind(' '), other = lines[b].rfind(' ');
      if (space != std::string::npos && other != std::string::npos) {
        lines[a] = lines[a].substr(0, space) + lines[b].substr(other);
      }
      break;
    }
  }
  return absl::StrJoin(lines, "\n");
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
    std::string text = ToText(life.history);
    for (int64_t spoils = 1 + dice.Below(3); spoils > 0 && !text.empty(); --spoils) {
      text = Spoil(text, dice);
    }
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
  EXPECT_GT(refused, kRound / 4);
  EXPECT_GT(verdicts[static_cast<int>(Verdict::kAllowed)], 0);
  EXPECT_GT(verdicts[static_cast<int>(Verdict::kForbidden)], 0);
}

TEST(MutatedProgram, IsRefusedOrRuns) {
  static uint64_t seed = 0;
  ReferenceSystem system{Dialect()};
  int refused = 0, ran = 0;
  for (int i = 0; i < kRound; ++i) {
    Dice dice(++seed);
    const Workload& workload = AllWorkloads()[static_cast<size_t>(
        dice.Below(static_cast<int64_t>(AllWorkloads().size())))];
    std::string text = "ipcspec program 1\n" + workload.setup;
    for (int64_t spoils = 1 + dice.Below(3); spoils > 0 && !text.empty(); --spoils) {
      text = Spoil(text, dice);
    }
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
  EXPECT_GT(refused, kRound / 4);
  EXPECT_GT(ran, 0);
}

}  // namespace
}  // namespace ipcspec
