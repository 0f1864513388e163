// ipcspec replay and repro: commands on a program in a file.
#include <cstdio>
#include <optional>
#include <string>

#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/input_file.h"
#include "cli/under_test.h"
#include "cli/verdict.h"
#include "conformance/machine_under_test.h"
#include "impl/call/history.h"
#include "impl/call/program.h"
#include "impl/oracle/oracle.h"
#include "platforms/repro/repro.h"
#include "platforms/session.h"

namespace ipcspec {
namespace {

// The program in a file; says what is wrong with it.
std::optional<Program> ReadProgram(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadInput(path);
  if (!text.ok()) {
    std::fprintf(stderr, "ipcspec: %s\n", std::string(text.status().message()).c_str());
    return std::nullopt;
  }
  absl::StatusOr<Program> program = ParseProgram(*text);
  if (!program.ok()) {
    std::fprintf(stderr,
                 "ipcspec: %s: %s\nA program is text as `check` prints it; see README.md.\n",
                 path.c_str(), std::string(program.status().message()).c_str());
    return std::nullopt;
  }
  return *std::move(program);
}

}  // namespace

int Replay(const Options& options, const std::string& path) {
  const std::optional<Program> program = ReadProgram(path);
  if (!program.has_value()) return kWrongUse;
  const int status = WithSystem(options, [&](const PlatformFacts&) {
    const ProgramRun run = RunProgram(*MachineUnderTest().system, *program);
    std::fputs(ToText(run.history).c_str(), stdout);
    if (!run.status.ok()) {
      std::fprintf(stderr, "ipcspec: %s\n", std::string(run.status.message()).c_str());
      return kUndecided;
    }
    // All of it is a history still.
    std::printf("# %s; %d of %d steps were carried out\n", NameOf(run.verdict), run.steps_done,
                static_cast<int>(program->steps.size()));
    for (absl::string_view line : absl::StrSplit(run.story, '\n', absl::SkipEmpty())) {
      std::printf("# %.*s\n", static_cast<int>(line.size()), line.data());
    }
    return ExitStatus(run.verdict);
  });
  SayHowItEnded(status);
  return status;
}

int Repro(const std::string& path) {
  const std::optional<Program> program = ReadProgram(path);
  if (!program.has_value()) return kWrongUse;
  std::fputs(ReproInC(*program).c_str(), stdout);
  return kConforms;
}

}  // namespace ipcspec
