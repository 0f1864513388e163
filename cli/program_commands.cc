// ipcspec replay, repro and explain: commands on one file.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "cli/commands.h"
#include "cli/under_test.h"
#include "conformance/machine_under_test.h"
#include "impl/call/history.h"
#include "impl/call/program.h"
#include "impl/oracle/oracle.h"
#include "platforms/repro/repro.h"
#include "platforms/session.h"

namespace ipcspec {
namespace {

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) {
    std::fprintf(stderr, "ipcspec: cannot read '%s': %s\n", path.c_str(), std::strerror(errno));
    return std::nullopt;
  }
  return text.str();
}

void SayMalformed(const std::string& path, const absl::Status& status) {
  std::fprintf(stderr, "ipcspec: %s: %s\n", path.c_str(), std::string(status.message()).c_str());
}

int ExitStatus(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllowed:
      return kConforms;
    case Verdict::kForbidden:
      return kViolation;
    case Verdict::kUndecided:
      return kUndecided;
  }
  return kUndecided;
}

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllowed:
      return "conforms";
    case Verdict::kForbidden:
      return "violates";
    case Verdict::kUndecided:
      return "undecided";
  }
  return "undecided";
}

}  // namespace

int Replay(const Options& options, const std::string& path) {
  const std::optional<std::string> text = ReadFile(path);
  if (!text.has_value()) return kWrongUse;
  const absl::StatusOr<Program> program = ParseProgram(*text);
  if (!program.ok()) {
    SayMalformed(path, program.status());
    return kWrongUse;
  }
  return WithSystem(options, [&](const PlatformFacts&) {
    const ProgramRun run = RunProgram(*MachineUnderTest().system, *program);
    std::fputs(ToText(run.history).c_str(), stdout);
    if (!run.status.ok()) {
      std::fprintf(stderr, "ipcspec: %s\n", std::string(run.status.message()).c_str());
      return kUndecided;
    }
    std::printf("# %s; %d of %d steps were carried out\n%s", NameOf(run.verdict), run.steps_done,
                static_cast<int>(program->steps.size()), run.story.c_str());
    return ExitStatus(run.verdict);
  });
}

int Repro(const std::string& path) {
  const std::optional<std::string> text = ReadFile(path);
  if (!text.has_value()) return kWrongUse;
  const absl::StatusOr<Program> program = ParseProgram(*text);
  if (!program.ok()) {
    SayMalformed(path, program.status());
    return kWrongUse;
  }
  std::fputs(ReproInC(*program).c_str(), stdout);
  return kConforms;
}

int Explain(const std::string& path) {
  const std::optional<std::string> text = ReadFile(path);
  if (!text.has_value()) return kWrongUse;
  const absl::StatusOr<History> history = ParseHistory(*text);
  if (!history.ok()) {
    SayMalformed(path, history.status());
    return kWrongUse;
  }
  std::string story;
  const Verdict verdict = ExplainHistory(*history, &story);
  std::printf("%s: %d events\n%s", NameOf(verdict), static_cast<int>(history->events.size()),
              story.c_str());
  return ExitStatus(verdict);
}

}  // namespace ipcspec
