"""What every other room needs: errors, progress reporting, the package's folders."""
