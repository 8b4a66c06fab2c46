"""What Ulak costs, side by side with its peers, measured on the machine at hand."""
