#include "harness/driver/process/journal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace skidpad::driver::process {
namespace {

using Kind = JournalEntry::Kind;

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    char path[] = "/tmp/skidpad-journal-XXXXXX";
    directory_ = ::mkdtemp(path);
  }
  ~JournalTest() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

const JournalEntry owner{Kind::supervisor, "", 42, 7};
const JournalEntry group{Kind::cgroup, "/sys/fs/cgroup/skidpad-x-42-7", 0, 0};
const JournalEntry tag{Kind::tag, "x/", 0, 0};
const JournalEntry done{Kind::done, "", 0, 0};

TEST_F(JournalTest, HoldsNothingBeforeItIsWritten) {
  EXPECT_TRUE(Journal(directory_).pending().value().empty());
}

TEST_F(JournalTest, ReturnsWhatWasWrittenInOrder) {
  const Journal journal(directory_);
  for (const JournalEntry& entry : {owner, tag, group}) ASSERT_TRUE(journal.write(entry));
  EXPECT_EQ(Journal(directory_).pending().value(), (std::vector<JournalEntry>{owner, tag, group}));
}

TEST_F(JournalTest, ForgetsWhatIsDoneButCanProveIt) {
  const Journal journal(directory_);
  for (const JournalEntry& entry : {owner, group, done, tag}) ASSERT_TRUE(journal.write(entry));
  EXPECT_EQ(journal.pending().value(), (std::vector<JournalEntry>{tag}));
  EXPECT_EQ(journal.all().value(), (std::vector<JournalEntry>{owner, group, done, tag}));
}

TEST_F(JournalTest, PassesOverATornLine) {
  const Journal journal(directory_);
  ASSERT_TRUE(journal.write(owner));
  ASSERT_TRUE(append_durably(journal.path(), "{\"kind\":\"cgr"));
  EXPECT_EQ(journal.pending().value(), (std::vector<JournalEntry>{owner}));
  ASSERT_TRUE(append_durably(journal.path(), "\n"));
  ASSERT_TRUE(journal.write(group));
  EXPECT_EQ(journal.pending().value(), (std::vector<JournalEntry>{owner, group}));
}

}  // namespace
}  // namespace skidpad::driver::process
