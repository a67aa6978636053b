"""What people look at: reports, the explorer, contact sheets and progress on the terminal."""
